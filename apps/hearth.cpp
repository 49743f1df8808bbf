#include "hearth/cli/command.h"

int main(int argc, char** argv) { return hearth::cli::run_program(argc, argv); }
