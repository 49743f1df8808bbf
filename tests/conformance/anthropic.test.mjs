// The official client of Anthropic.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { givesUp, hello, model, raw, url, weather } from './setup.mjs';

const client = new Anthropic({ baseURL: url, apiKey: 'none needed', maxRetries: 0 });
const messages = [{ role: 'user', content: 'Hi' }];
const tools = [{ name: weather.name, description: weather.description, input_schema: weather.parameters }];

test('messages, whole', async () => {
  const answer = await client.messages.create({ model, max_tokens: 100, messages, system: 'Be brief.' });
  assert.equal(answer.type, 'message');
  assert.equal(answer.role, 'assistant');
  assert.deepEqual(answer.content, [{ type: 'text', text: hello }]);
  assert.equal(answer.stop_reason, 'end_turn');
  assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0);
});

test('messages, streamed', async () => {
  const types = [];
  const stream = client.messages.stream({ model, max_tokens: 100, messages });
  stream.on('streamEvent', (event) => types.push(event.type));
  const message = await stream.finalMessage();
  assert.equal(message.content[0].text, hello);
  assert.equal(types[0], 'message_start');
  assert.deepEqual(types.slice(-3), ['content_block_stop', 'message_delta', 'message_stop']);
});

test('max_tokens and stop sequences', async () => {
  const short = await client.messages.create({ model, max_tokens: 2, messages });
  assert.equal(short.stop_reason, 'max_tokens');
  assert.equal(short.usage.output_tokens, 2);
  const stopped = await client.messages.create({ model, max_tokens: 100, messages, stop_sequences: ['scripted'] });
  assert.equal(stopped.stop_reason, 'stop_sequence');
  assert.equal(stopped.stop_sequence, 'scripted');
});

test('tools there and back', async () => {
  const first = await client.messages.create({ model, max_tokens: 200, messages, tools });
  assert.equal(first.stop_reason, 'tool_use');
  const uses = first.content.filter((block) => block.type === 'tool_use');
  assert.deepEqual(uses.map((use) => use.input),
                   [{ city: 'Paris', unit: 'celsius' }, { city: 'Rome', unit: 'kelvin' }]);
  const streamed = await client.messages.stream({ model, max_tokens: 200, messages, tools }).finalMessage();
  assert.deepEqual(streamed.content.filter((block) => block.type === 'tool_use').map((use) => use.input),
                   uses.map((use) => use.input));
  const second = await client.messages.create({
    model, max_tokens: 100, tools,
    messages: [...messages, { role: 'assistant', content: first.content },
               { role: 'user', content: uses.map((use) => ({ type: 'tool_result', tool_use_id: use.id, content: '21' })) }],
  });
  assert.equal(second.content[0].text, 'It is sunny in Paris, with twenty-one degrees.');
});

test('the events of a stream, one after the other', async () => {
  const types = [];
  let input = '';
  for await (const event of await client.messages.create({ model, max_tokens: 200, messages, tools, stream: true })) {
    const { type } = event;
    if (type === 'content_block_start') assert.deepEqual(event.content_block.input, {});
    if (type === 'content_block_delta' && event.index === 0) input += event.delta.partial_json;
    types.push(type);
  }
  // The client passes over ping.
  const block = ['content_block_start', 'content_block_delta', 'content_block_stop'];
  assert.deepEqual(types, ['message_start', ...block, ...block, 'message_delta', 'message_stop']);
  assert.deepEqual(JSON.parse(input), { city: 'Paris', unit: 'celsius' });
});

test('tool_choice', async () => {
  const named = await client.messages.create({
    model, max_tokens: 200, messages, tools, tool_choice: { type: 'any', disable_parallel_tool_use: true },
  });
  assert.equal(named.content.filter((block) => block.type === 'tool_use').length, 1);
  const none = await client.messages.create({ model, max_tokens: 200, messages, tools, tool_choice: { type: 'none' } });
  assert.equal(none.content[0].text, hello);
});

test('abort in mid-stream', async () => {
  assert.ok(await givesUp(async () => {
    const stream = await client.messages.create(
      { model, max_tokens: 4000, messages: [{ role: 'user', content: 'count' }], stream: true });
    for await (const event of stream) {
      if (event.type === 'content_block_delta') stream.controller.abort();
    }
  }));
  const answer = await client.messages.create({ model, max_tokens: 100, messages });
  assert.equal(answer.content[0].text, hello);
});

test('thinking', async () => {
  const answer = await client.messages.create({
    model, max_tokens: 2000, messages: [{ role: 'user', content: 'The number?' }], thinking: { type: 'enabled', budget_tokens: 1024 },
  });
  assert.equal(answer.content[0].type, 'thinking');
  assert.match(answer.content[0].thinking, /everybody knows it/);
  assert.equal(answer.content[1].text, 'Forty-two.');
});

test('count_tokens agrees with the usage', async () => {
  const count = await client.messages.countTokens({ model, messages });
  const answer = await client.messages.create({ model, max_tokens: 1, messages });
  assert.equal(count.input_tokens, answer.usage.input_tokens);
});

test('errors in the form of Anthropic', async () => {
  await assert.rejects(client.messages.create({ model: 'nobody', max_tokens: 5, messages }), (error) => {
    assert.equal(error.status, 404);
    assert.equal(error.error.error.type, 'not_found_error');
    return true;
  });
  const invalid = (request, message) => assert.rejects(
    client.messages.create({ model, max_tokens: 100, messages, ...request }), (error) => {
      assert.equal(error.status, 400);
      assert.equal(error.error.error.type, 'invalid_request_error');
      assert.match(error.error.error.message, message);
      assert.equal(error.requestID, error.error.request_id);
      return true;
    });
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } };
  await invalid({ messages: [{ role: 'user', content: [image] }] }, /pictures/);
  await invalid({ tools, tool_choice: { type: 'tool', name: 'nobody' } }, /nobody/);
  await invalid({ messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'x', content: '1' }] }] },
                /tool_use_id/);
  for (const stream of [false, true])
    await invalid({ messages: [{ role: 'user', content: 'word '.repeat(20000) }], stream }, /prompt is too long/);
  const missing = await raw('/v1/messages', { model, messages });
  assert.equal(missing.status, 400);
  const body = await missing.json();
  assert.equal(body.type, 'error');
  assert.equal(body.error.type, 'invalid_request_error');
  assert.match(body.error.message, /max_tokens/);
});
