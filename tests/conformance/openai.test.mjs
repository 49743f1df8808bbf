// The official client of OpenAI, and what no client would send.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { hello, model, raw, schema, url, weather } from './setup.mjs';

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none needed', maxRetries: 0 });
const messages = [{ role: 'user', content: 'Hi' }];
const tools = [{ type: 'function', function: weather }];

test('chat, whole', async () => {
  const answer = await client.chat.completions.create({ model, messages });
  assert.equal(answer.object, 'chat.completion');
  assert.equal(answer.choices[0].message.content, hello);
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  assert.match(answer._request_id, /./);
});

test('chat, streamed, with usage', async () => {
  const chunks = [];
  for await (const chunk of await client.chat.completions.create(
    { model, messages, stream: true, stream_options: { include_usage: true } })) chunks.push(chunk);
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), hello);
  assert.equal(chunks.at(-2).choices[0].finish_reason, 'stop');
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.ok(chunks.at(-1).usage.completion_tokens > 0);
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
});

test('the stream helper accumulates', async () => {
  const stream = client.chat.completions.stream({ model, messages });
  assert.equal(await stream.finalContent(), hello);
});

test('tools, whole and streamed', async () => {
  const whole = await client.chat.completions.create({ model, messages, tools });
  assert.equal(whole.choices[0].finish_reason, 'tool_calls');
  const calls = whole.choices[0].message.tool_calls;
  assert.deepEqual(calls.map((call) => JSON.parse(call.function.arguments)),
                   [{ city: 'Paris', unit: 'celsius' }, { city: 'Rome', unit: 'kelvin' }]);
  const stream = client.chat.completions.stream({ model, messages, tools });
  const final = await stream.finalChatCompletion();
  assert.deepEqual(final.choices[0].message.tool_calls.map((call) => call.function.arguments),
                   calls.map((call) => call.function.arguments));

  const answer = await client.chat.completions.create({
    model, tools,
    messages: [...messages, whole.choices[0].message,
               ...calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: '21' }))],
  });
  assert.equal(answer.choices[0].message.content, 'It is sunny in Paris, with twenty-one degrees.');
});

test('tool_choice none offers no tools', async () => {
  const answer = await client.chat.completions.create({ model, messages, tools, tool_choice: 'none' });
  assert.equal(answer.choices[0].message.content, hello);
  assert.equal(answer.choices[0].message.tool_calls, undefined);
});

test('structured output', async () => {
  const answer = await client.chat.completions.create({
    model, messages, temperature: 1.5, seed: 3,
    response_format: { type: 'json_schema', json_schema: { name: 'fruit', strict: true, schema } },
  });
  const fruit = JSON.parse(answer.choices[0].message.content);
  assert.deepEqual(Object.keys(fruit), ['colour', 'count', 'ripe']);
});

test('logprobs', async () => {
  const answer = await client.chat.completions.create({
    model, messages, logprobs: true, top_logprobs: 3, max_completion_tokens: 2,
  });
  const content = answer.choices[0].logprobs.content;
  assert.equal(content.length, 2);
  assert.equal(content[0].top_logprobs.length, 3);
  assert.equal(Buffer.from(content[0].bytes).toString(), content[0].token);
  assert.equal(answer.choices[0].finish_reason, 'length');
});

test('completions', async () => {
  const answer = await client.completions.create({ model, prompt: 'Hi' });
  assert.equal(answer.choices[0].text, hello);
  let text = '';
  for await (const chunk of await client.completions.create({ model, prompt: 'Hi', stream: true }))
    text += chunk.choices[0]?.text ?? '';
  assert.equal(text, hello);
});

test('embeddings as floats and in base64', async () => {
  const base64 = await client.embeddings.create({ model, input: ['one', 'two'] });
  const floats = await client.embeddings.create({ model, input: ['one', 'two'], encoding_format: 'float' });
  assert.equal(base64.data.length, 2);
  assert.equal(base64.data[1].index, 1);
  for (let i = 0; i < floats.data[0].embedding.length; i++)
    assert.ok(Math.abs(floats.data[0].embedding[i] - base64.data[0].embedding[i]) < 1e-6);
});

test('models', async () => {
  const ids = [];
  for await (const entry of client.models.list()) ids.push(entry.id);
  assert.ok(ids.includes(`${model}:latest`), `${ids}`);
  assert.equal((await client.models.retrieve(model)).object, 'model');
  await assert.rejects(client.models.retrieve('nobody'), { status: 404 });
});

test('responses, whole and streamed', async () => {
  const whole = await client.responses.create({ model, input: 'Hi', instructions: 'Be brief.' });
  assert.equal(whole.output_text, hello);
  assert.equal(whole.status, 'completed');
  const types = [];
  const stream = client.responses.stream({ model, input: 'Hi' });
  for await (const event of stream) types.push(event.type);
  assert.equal(types[0], 'response.created');
  assert.equal(types.at(-1), 'response.completed');
  assert.ok(types.includes('response.output_text.delta'));
  assert.equal((await stream.finalResponse()).output_text, hello);
});

test('responses: function calls there and back', async () => {
  const tools = [{ type: 'function', ...weather, strict: false }];
  const first = await client.responses.create({ model, input: 'The weather?', tools });
  const calls = first.output.filter((item) => item.type === 'function_call');
  assert.equal(calls.length, 2);
  assert.deepEqual(JSON.parse(calls[0].arguments), { city: 'Paris', unit: 'celsius' });
  const second = await client.responses.create({
    model, tools,
    input: [{ role: 'user', content: 'The weather?' }, ...first.output,
            ...calls.map((call) => ({ type: 'function_call_output', call_id: call.call_id, output: '21' }))],
  });
  assert.equal(second.output_text, 'It is sunny in Paris, with twenty-one degrees.');
});

test('abort in mid-stream', async () => {
  const stream = await client.chat.completions.create(
    { model, messages: [{ role: 'user', content: 'count' }], stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) stream.controller.abort();
  }
  const answer = await client.chat.completions.create({ model, messages });
  assert.equal(answer.choices[0].message.content, hello);
});

test('errors in the form of OpenAI', async () => {
  await assert.rejects(client.chat.completions.create({ model: 'nobody', messages }), (error) => {
    assert.equal(error.status, 404);
    assert.match(error.error.message, /nobody/);
    return true;
  });
  await assert.rejects(client.chat.completions.create({ model, messages, temperature: 'hot' }),
                       { status: 400, type: 'invalid_request_error' });
  await assert.rejects(client.chat.completions.create({
    model, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }] }],
  }), { status: 400 });
  await assert.rejects(client.embeddings.create({ model, input: 'one', encoding_format: 'hex' }), { status: 400 });
  const broken = await raw('/v1/chat/completions', '{');
  assert.equal(broken.status, 400);
  const body = await broken.json();
  assert.equal(body.error.type, 'invalid_request_error');
  assert.ok('param' in body.error && 'code' in body.error);
  assert.match(broken.headers.get('x-request-id'), /./);
});
