// The official client of OpenAI, and what no client would send.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { givesUp, hello, model, raw, schema, url, weather } from './setup.mjs';

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

test('tool calls in a stream: the first piece names the call, arguments come as text', async () => {
  const calls = [];
  const reasons = [];
  for await (const chunk of await client.chat.completions.create({ model, messages, tools, stream: true })) {
    const choice = chunk.choices[0];
    if (choice.finish_reason) reasons.push(choice.finish_reason);
    for (const piece of choice.delta.tool_calls ?? []) {
      if (!calls[piece.index]) {
        assert.equal(piece.type, 'function');
        assert.match(piece.id, /./);
        assert.equal(piece.function.name, 'get_weather');
        calls[piece.index] = '';
      }
      calls[piece.index] += piece.function.arguments;
    }
  }
  assert.deepEqual(calls.map((text) => JSON.parse(text)),
                   [{ city: 'Paris', unit: 'celsius' }, { city: 'Rome', unit: 'kelvin' }]);
  assert.deepEqual(reasons, ['tool_calls']);
});

test('one call where parallel ones are not allowed', async () => {
  const answer = await client.chat.completions.create({ model, messages, tools, parallel_tool_calls: false });
  assert.equal(answer.choices[0].message.tool_calls.length, 1);
  assert.equal(answer.choices[0].finish_reason, 'tool_calls');
});

test('thoughts have both names that clients look for', async () => {
  const request = { model, messages: [{ role: 'user', content: 'The number?' }], reasoning_effort: 'high' };
  const { message } = (await client.chat.completions.create(request)).choices[0];
  assert.match(message.reasoning_content, /everybody knows it/);
  assert.equal(message.reasoning, message.reasoning_content);
  assert.equal(message.content, 'Forty-two.');
  let thoughts = '';
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true }))
    thoughts += chunk.choices[0]?.delta.reasoning_content ?? '';
  assert.equal(thoughts, message.reasoning_content);
});

test('several choices', async () => {
  const answer = await client.chat.completions.create({ model, messages, n: 3 });
  assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1, 2]);
  for (const choice of answer.choices) assert.equal(choice.message.content, hello);
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

  // Without the client, which decodes it: little-endian numbers of 32 bits, equal to the last one.
  const body = await (await raw('/v1/embeddings', { model, input: ['one', 'two'], encoding_format: 'base64' })).json();
  for (const [i, item] of body.data.entries()) {
    const bytes = Buffer.from(item.embedding, 'base64');
    assert.equal(bytes.length, 4 * floats.data[i].embedding.length);
    assert.deepEqual(floats.data[i].embedding.map(Math.fround),
                     floats.data[i].embedding.map((_, j) => bytes.readFloatLE(4 * j)));
  }
  assert.ok(body.usage.prompt_tokens > 0);
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
  const repeated = (type, i) => type !== 'response.output_text.delta' || types[i - 1] !== type;
  assert.deepEqual(types.filter(repeated), [
    'response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added',
    'response.output_text.delta', 'response.output_text.done', 'response.content_part.done',
    'response.output_item.done', 'response.completed']);
  assert.equal((await stream.finalResponse()).output_text, hello);
});

test('responses: events are numbered and name what was added before', async () => {
  const request = { model, input: 'The number?', reasoning: { effort: 'high' }, stream: true };
  const added = new Set();
  let number = 0;
  let last;
  for await (const event of await client.responses.create(request)) {
    assert.equal(event.sequence_number, number++);
    if (event.type === 'response.output_item.added') added.add(event.item.id);
    else if (event.item_id) assert.ok(added.has(event.item_id), event.type);
    last = event;
  }
  assert.deepEqual(last.response.output.map((item) => item.type), ['reasoning', 'message']);
  assert.match(last.response.output[0].summary[0].text, /everybody knows it/);
  assert.equal(last.response.output[1].content[0].text, 'Forty-two.');
  assert.ok(last.response.usage.output_tokens_details.reasoning_tokens > 0);
});

test('responses: calls in a stream', async () => {
  const tools = [{ type: 'function', ...weather, strict: false }];
  const stream = client.responses.stream({ model, input: 'The weather?', tools });
  const done = [];
  for await (const event of stream)
    if (event.type === 'response.function_call_arguments.done') done.push(JSON.parse(event.arguments));
  assert.deepEqual(done, [{ city: 'Paris', unit: 'celsius' }, { city: 'Rome', unit: 'kelvin' }]);
  const calls = (await stream.finalResponse()).output.filter((item) => item.type === 'function_call');
  assert.deepEqual(calls.map((call) => JSON.parse(call.arguments)), done);
});

test('responses: cut off, and in a form', async () => {
  const short = await client.responses.create({ model, input: 'Hi', max_output_tokens: 3 });
  assert.equal(short.status, 'incomplete');
  assert.equal(short.incomplete_details.reason, 'max_output_tokens');
  assert.equal(short.usage.output_tokens, 3);
  const fruit = await client.responses.create({
    model, input: 'A fruit', text: { format: { type: 'json_schema', name: 'fruit', strict: true, schema } },
  });
  assert.deepEqual(Object.keys(JSON.parse(fruit.output_text)), ['colour', 'count', 'ripe']);
});

test('responses: what is not kept is not found', async () => {
  const absent = (error) => {
    assert.equal(error.status, 404);
    assert.match(error.message, /not kept/);
    return true;
  };
  await assert.rejects(client.responses.retrieve('resp_1'), absent);
  await assert.rejects(client.responses.delete('resp_1'), absent);
  await assert.rejects(client.responses.cancel('resp_1'), absent);
  await assert.rejects(client.responses.create({ model, input: 'Hi', previous_response_id: 'resp_1' }),
                       { status: 400, param: 'previous_response_id' });
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
  assert.ok(await givesUp(async () => {
    const stream = await client.chat.completions.create(
      { model, messages: [{ role: 'user', content: 'count' }], stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) stream.controller.abort();
    }
  }));
  assert.ok(await givesUp(async () => {
    const stream = await client.responses.create({ model, input: 'count', stream: true });
    for await (const event of stream) {
      if (event.type === 'response.output_text.delta') stream.controller.abort();
    }
  }));
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
  }), { status: 400, type: 'invalid_request_error', param: 'messages[0].content[0]' });
  await assert.rejects(client.embeddings.create({ model, input: 'one', encoding_format: 'hex' }),
                       { status: 400, param: 'encoding_format' });
  await assert.rejects(client.chat.completions.create({
    model, messages, tools, tool_choice: { type: 'function', function: { name: 'nobody' } },
  }), { status: 400, param: 'tool_choice' });
  const endless = 'word '.repeat(20000);
  for (const stream of [false, true]) {
    await assert.rejects(client.chat.completions.create({ model, messages: [{ role: 'user', content: endless }], stream }),
                         { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded' });
    await assert.rejects(client.responses.create({ model, input: endless, stream }),
                         { status: 400, code: 'context_length_exceeded' });
  }
  await assert.rejects(client.embeddings.create({ model, input: endless }),
                       { status: 400, code: 'context_length_exceeded' });
  const ranked = await raw('/v1/rerank', { model, query: 'q', documents: ['a'] });
  assert.equal(ranked.status, 501);
  assert.equal(ranked.headers.get('x-should-retry'), 'false');
  assert.equal((await ranked.json()).error.type, 'not_supported_error');
  const broken = await raw('/v1/chat/completions', '{');
  assert.equal(broken.status, 400);
  const body = await broken.json();
  assert.equal(body.error.type, 'invalid_request_error');
  assert.ok('param' in body.error && 'code' in body.error);
  assert.match(broken.headers.get('x-request-id'), /./);
});
