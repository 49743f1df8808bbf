// The official client of Ollama, and what no client would send.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ollama } from 'ollama';
import { eventually, givesUp, hello, model, raw, registry, schema, url, weather } from './setup.mjs';

const client = new Ollama({ host: url });

async function collect(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

test('version and greeting', async () => {
  assert.match((await client.version()).version, /^\d+\.\d+\.\d+/);
  const root = await fetch(url + '/');
  assert.equal(await root.text(), 'Ollama is running');
  assert.equal((await fetch(url + '/', { method: 'HEAD' })).status, 200);
});

test('chat, whole', async () => {
  const answer = await client.chat({ model, messages: [{ role: 'user', content: 'Hi' }] });
  assert.equal(answer.message.role, 'assistant');
  assert.equal(answer.message.content, hello);
  assert.equal(answer.done, true);
  assert.equal(answer.done_reason, 'stop');
  assert.ok(answer.prompt_eval_count > 0 && answer.eval_count > 0);
  for (const field of ['total_duration', 'eval_duration'])
    assert.ok(Number.isInteger(answer[field]) && answer[field] > 0, field);
  assert.match(String(answer.created_at), /\d{4}-\d\d-\d\d/);
});

test('chat, streamed', async () => {
  const parts = await collect(
    await client.chat({ model, messages: [{ role: 'user', content: 'Hi' }], stream: true }));
  assert.equal(parts.map((part) => part.message.content).join(''), hello);
  assert.deepEqual(parts.map((part) => part.done), [...parts.slice(1).map(() => false), true]);
  assert.ok(parts.length > 5);
});

test('num_predict ends an answer as length', async () => {
  const answer = await client.chat({
    model, messages: [{ role: 'user', content: 'Hi' }], options: { num_predict: 3 },
  });
  assert.equal(answer.done_reason, 'length');
  assert.equal(answer.eval_count, 3);
  assert.ok(hello.startsWith(answer.message.content));
});

test('a stop string ends an answer and is not in it', async () => {
  const answer = await client.generate({ model, prompt: 'Hi', options: { stop: ['scripted'] } });
  assert.equal(answer.response, 'Hello! I am a ');
  assert.equal(answer.done_reason, 'stop');
});

test('tools: calls with objects as arguments, several at once, streamed or not', async () => {
  const request = {
    model,
    messages: [{ role: 'user', content: 'The weather in Paris and Rome?' }],
    tools: [{ type: 'function', function: weather }],
  };
  const expected = [
    { name: 'get_weather', arguments: { city: 'Paris', unit: 'celsius' } },
    { name: 'get_weather', arguments: { city: 'Rome', unit: 'kelvin' } },
  ];
  const calls = (message) => message.tool_calls.map((call) =>
    ({ name: call.function.name, arguments: call.function.arguments }));
  const whole = await client.chat(request);
  assert.deepEqual(calls(whole.message), expected);
  assert.equal(whole.message.content, '');
  const parts = await collect(await client.chat({ ...request, stream: true }));
  assert.deepEqual(parts.flatMap((part) => part.message.tool_calls ? calls(part.message) : []),
                   expected);

  const answer = await client.chat({
    ...request,
    messages: [...request.messages, whole.message,
               { role: 'tool', tool_name: 'get_weather', content: '21 degrees' },
               { role: 'tool', tool_name: 'get_weather', content: '294 kelvin' }],
  });
  assert.equal(answer.message.content, 'It is sunny in Paris, with twenty-one degrees.');
});

test('thoughts are apart from the answer', async () => {
  const request = { model, messages: [{ role: 'user', content: 'The number?' }], think: true };
  const whole = await client.chat(request);
  assert.equal(whole.message.thinking.trim(),
               'The user asks for the number, and everybody knows it.');
  assert.equal(whole.message.content, 'Forty-two.');
  const parts = await collect(await client.chat({ ...request, stream: true }));
  assert.equal(parts.map((part) => part.message.thinking ?? '').join('').trim(),
               whole.message.thinking.trim());
  assert.equal(parts.map((part) => part.message.content).join(''), 'Forty-two.');
  const without = await client.chat({ ...request, think: false });
  assert.equal(without.message.content, hello);
});

test('a schema is kept, whatever the model would say', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const answer = await client.chat({
      model, messages: [{ role: 'user', content: 'A fruit' }], format: schema,
      options: { seed, temperature: 1.5 },
    });
    const fruit = JSON.parse(answer.message.content);
    assert.deepEqual(Object.keys(fruit), ['colour', 'count', 'ripe']);
    assert.ok(schema.properties.colour.enum.includes(fruit.colour));
    assert.ok(Number.isInteger(fruit.count) && fruit.count >= 0 && fruit.count <= 99);
    assert.equal(typeof fruit.ripe, 'boolean');
  }
});

test('generate: raw, suffix, context, logprobs', async () => {
  const answer = await client.generate({ model, prompt: 'Hi', raw: true });
  assert.equal(answer.response, hello);
  assert.equal(answer.context, undefined);
  const templated = await client.generate({ model, prompt: 'Hi' });
  assert.ok(templated.context.length > 10);
  const infill = await client.generate({ model, prompt: 'def f(', suffix: '):', options: { num_predict: 2 } });
  assert.equal(infill.eval_count, 2);
  const probable = await client.generate({ model, prompt: 'Hi', logprobs: true, top_logprobs: 2, options: { num_predict: 2 } });
  assert.equal(probable.logprobs.length, 2);
  assert.equal(probable.logprobs[0].top_logprobs.length, 2);
  assert.ok(probable.logprobs[0].logprob > -0.01);
});

test('an empty prompt loads and unloads', async () => {
  assert.equal((await client.generate({ model, prompt: '', keep_alive: '10m' })).done_reason, 'load');
  const loaded = (await client.ps()).models.find((entry) => entry.name === `${model}:latest`);
  assert.ok(loaded.size > 1e6);
  assert.ok(new Date(loaded.expires_at) > new Date());
  assert.equal((await client.generate({ model, prompt: '', keep_alive: 0 })).done_reason, 'unload');
  assert.ok(await eventually(async () =>
    !(await client.ps()).models.some((entry) => entry.name === `${model}:latest`)));
});

test('abort in mid-stream frees the engine', async () => {
  assert.ok(await givesUp(async () => {
    const stream = await client.chat({
      model, messages: [{ role: 'user', content: 'count' }], stream: true,
    });
    await assert.rejects(async () => {
      for await (const part of stream) if (part.message.content) stream.abort();
    }, { name: 'AbortError' });
  }));
  const answer = await client.chat({ model, messages: [{ role: 'user', content: 'Hi' }] });
  assert.equal(answer.message.content, hello);
});

test('list, show, copy, create, delete', async () => {
  assert.ok((await client.list()).models.some((entry) => entry.name === `${model}:latest`));
  const shown = await client.show({ model });
  assert.equal(shown.details.family, 'llama');
  assert.ok(shown.capabilities.includes('completion') && shown.capabilities.includes('tools'));
  assert.equal(shown.model_info['general.architecture'], 'llama');
  assert.match(shown.modelfile, /^FROM /m);

  await client.copy({ source: model, destination: 'a-copy' });
  assert.ok((await client.list()).models.some((entry) => entry.name === 'a-copy:latest'));
  await client.delete({ model: 'a-copy' });
  assert.ok(!(await client.list()).models.some((entry) => entry.name === 'a-copy:latest'));

  const steps = await collect(await client.create({
    model: 'pirate', from: model, system: 'You are a pirate.',
    parameters: { num_predict: 4, stop: ['xyz'] }, stream: true,
  }));
  assert.equal(steps.at(-1).status, 'success');
  const pirate = await client.show({ model: 'pirate' });
  assert.equal(pirate.system, 'You are a pirate.');
  assert.match(pirate.parameters, /num_predict +4/);
  const answer = await client.chat({ model: 'pirate', messages: [{ role: 'user', content: 'Hi' }] });
  assert.equal(answer.eval_count, 4);
  await client.delete({ model: 'pirate' });
});

test('embeddings', async () => {
  const two = await client.embed({ model, input: ['one', 'two words'] });
  assert.equal(two.embeddings.length, 2);
  const length = Math.hypot(...two.embeddings[0]);
  assert.ok(Math.abs(length - 1) < 1e-4, `${length}`);
  const short = await client.embed({ model, input: 'one', dimensions: 16 });
  assert.equal(short.embeddings[0].length, 16);
  const old = await client.embeddings({ model, prompt: 'one' });
  assert.equal(old.embedding.length, two.embeddings[0].length);
});

test('push and pull', { skip: registry ? false : 'no registry here' }, async () => {
  const name = `${registry}/team/scripted`;
  await client.copy({ source: model, destination: name });
  const pushed = await collect(await client.push({ model: name, insecure: true, stream: true }));
  assert.equal(pushed.at(-1).status, 'success');
  await client.delete({ model: name });
  const pulled = await collect(await client.pull({ model: name, insecure: true, stream: true }));
  assert.equal(pulled.at(-1).status, 'success');
  const answer = await client.generate({ model: name, prompt: 'Hi' });
  assert.equal(answer.response, hello);
  await client.delete({ model: name });
});

test('errors as the client expects them', async () => {
  await assert.rejects(client.chat({ model: 'nobody', messages: [{ role: 'user', content: 'Hi' }] }),
                       { status_code: 404, message: /nobody.* not found/ });
  await assert.rejects(client.show({ model: 'nobody' }), { status_code: 404 });
  await assert.rejects(client.delete({ model: 'nobody' }), { status_code: 404 });
  await assert.rejects(client.copy({ source: 'nobody', destination: 'b' }), { status_code: 404 });
  await assert.rejects(client.generate({ model, prompt: 'Hi', options: { top_k: 'many' } }),
                       { status_code: 400, message: /top_k/ });
  const endless = 'word '.repeat(20000);
  await assert.rejects(client.chat({ model, messages: [{ role: 'user', content: endless }], truncate: false }),
                       { status_code: 400, message: /prompt is too long/ });
  await assert.rejects(client.embed({ model, input: endless, truncate: false }),
                       { status_code: 400, message: 'the input length exceeds the context length' });
  await assert.rejects(client.generate({ model: 'a b', prompt: 'Hi' }), { name: 'ResponseError' });
  await assert.rejects(client.create({ model: 'b', from: 'a', quantize: 'q9_9' }), { status_code: 400, message: /q9_9/ });
  await assert.rejects(client.chat({ model, messages: [{ role: 'user', content: 'Hi', images: ['aGk='] }] }),
                       { status_code: 400, message: /image/ });
});

test('errors that no client would cause', async () => {
  const expect = async (response, status, text) => {
    assert.equal(response.status, status);
    assert.match(response.headers.get('content-type'), /^application\/json/);
    assert.match((await response.json()).error, text);
  };
  await expect(await raw('/api/chat', ''), 400, /missing request body/);
  await expect(await raw('/api/chat', '{'), 400, /./);
  await expect(await raw('/api/chat', { messages: [] }), 400, /model is required/);
  await expect(await raw('/api/generate', { model, prompt: 'Hi', top_logprobs: 21, logprobs: true }), 400, /top_logprobs/);
  await expect(await raw('/api/nothing', {}), 404, /./);
  const wrong = await fetch(url + '/api/chat');
  assert.equal(wrong.status, 405);
  assert.match(wrong.headers.get('allow'), /POST/);
  await expect(await raw('/api/chat', '['.repeat(1000)), 400, /./);
});
