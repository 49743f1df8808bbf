// No code: the targets of precompiled.cmake need a source to hang their headers on.
