// How the official clients hear of what goes wrong: keys, quotas, a full queue, an engine that dies. The server has
// keys, answers one request at a time and lets one wait.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { engines, eventually, hello, model, raw, url } from './setup.mjs';

const steady = process.env.HEARTH_TEST_KEY_STEADY;
const hurried = process.env.HEARTH_TEST_KEY_HURRIED;
const bearer = (key) => ({ authorization: `Bearer ${key}` });
const say = (content) => [{ role: 'user', content }];

// Each API: a client with a key, a stream of its texts, and what an error of it must look like.
const apis = {
  ollama: {
    client: (key) => new Ollama({ host: url, headers: key ? bearer(key) : {} }),
    async *texts(client, content) {
      for await (const part of await client.chat({ model, messages: say(content), stream: true }))
        yield part.message.content;
    },
    ask: (client) => client.chat({ model, messages: say('Hi') }).then((answer) => answer.message.content),
    check(error, status) {
      assert.equal(error.name, 'ResponseError');
      assert.equal(error.status_code, status);
      assert.equal(typeof error.error, 'string');
    },
    checkLate: (error) => assert.match(error.message, /engine/),
    post: ['/api/chat', { model, messages: say('Hi'), stream: false }],
    shape: (body) => assert.equal(typeof body.error, 'string'),
  },
  openai: {
    client: (key) => new OpenAI({ baseURL: `${url}/v1`, apiKey: key ?? 'wrong', maxRetries: 0 }),
    async *texts(client, content) {
      for await (const chunk of await client.chat.completions.create({ model, messages: say(content), stream: true }))
        yield chunk.choices[0]?.delta.content;
    },
    ask: (client) => client.chat.completions.create({ model, messages: say('Hi') })
      .then((answer) => answer.choices[0].message.content),
    check(error, status, type) {
      assert.equal(error.status, status);
      assert.equal(error.type, type);
      assert.equal(error.headers.get('retry-after') !== null, status === 429 || status === 503);
    },
    checkLate: (error) => assert.equal(error.type, 'unavailable_error'),
    post: ['/v1/chat/completions', { model, messages: say('Hi') }],
    shape: (body) => assert.deepEqual(Object.keys(body.error), ['message', 'type', 'param', 'code']),
  },
  responses: {
    client: (key) => apis.openai.client(key),
    async *texts(client, content) {
      for await (const event of await client.responses.create({ model, input: content, stream: true }))
        if (event.type === 'response.output_text.delta') yield event.delta;
    },
    ask: (client) => client.responses.create({ model, input: 'Hi' }).then((answer) => answer.output_text),
    check: (...values) => apis.openai.check(...values),
    checkLate: (error) => apis.openai.checkLate(error),
    post: ['/v1/responses', { model, input: 'Hi' }],
    shape: (body) => apis.openai.shape(body),
  },
  anthropic: {
    client: (key) => new Anthropic({ baseURL: url, apiKey: key ?? 'wrong', maxRetries: 0 }),
    async *texts(client, content) {
      for await (const event of await client.messages.create(
        { model, max_tokens: 4000, messages: say(content), stream: true }))
        if (event.type === 'content_block_delta') yield event.delta.text;
    },
    ask: (client) => client.messages.create({ model, max_tokens: 100, messages: say('Hi') })
      .then((answer) => answer.content[0].text),
    check(error, status) {
      assert.equal(error.status, status);
      assert.equal(error.error.type, 'error');
      const types = { 401: 'authentication_error', 429: 'rate_limit_error', 503: 'overloaded_error' };
      assert.equal(error.error.error.type, types[status]);
      assert.equal(error.headers.get('retry-after') !== null, status === 429 || status === 503);
    },
    checkLate: (error) => assert.match(error.message, /overloaded_error/),
    post: ['/v1/messages', { model, max_tokens: 100, messages: say('Hi') }],
    shape: (body) => assert.deepEqual([body.type, Object.keys(body.error)], ['error', ['type', 'message']]),
  },
};

async function errorOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return null;
}

for (const [name, api] of Object.entries(apis)) {
  test(`${name}: nobody without a key`, async () => {
    api.check(await errorOf(api.ask(api.client())), 401, 'authentication_error');
    const answer = await raw(...api.post);
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
    api.shape(await answer.json());
    assert.equal(await api.ask(api.client(steady)), hello);
  });
}

test('either header holds the key, and some paths need none', async () => {
  for (const headers of [bearer(steady), { 'x-api-key': steady }])
    assert.equal((await fetch(url + '/api/tags', { headers })).status, 200);
  for (const path of ['/', '/health', '/api/version']) assert.equal((await fetch(url + path)).status, 200, path);
  for (const path of ['/api/tags', '/v1/models', '/metrics']) assert.equal((await fetch(url + path)).status, 401, path);
});

test('who asks too often hears when to come back', async () => {
  assert.ok((await fetch(url + '/api/tags', { headers: bearer(hurried) })).status < 500);  // the first of the minute
  for (const api of Object.values(apis)) {
    api.check(await errorOf(api.ask(api.client(hurried))), 429, 'rate_limit_error');
    const answer = await raw(...api.post, bearer(hurried));
    assert.equal(answer.status, 429);
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    api.shape(await answer.json());
  }
});

test('a full queue says so and when to come back', async () => {
  assert.equal(await apis.ollama.ask(apis.ollama.client(steady)), hello);  // loads the model
  const held = engines();
  assert.equal(held.length, 1);
  process.kill(held[0], 'SIGSTOP');
  let waiting;
  try {
    // One has its turn and one waits, until the engine goes on.
    let refused = 0;
    waiting = Array.from({ length: 6 }, async () => {
      const answer = await raw(...apis.ollama.post, bearer(steady));
      if (answer.status === 503) refused++;
      return answer.status;
    });
    assert.ok(await eventually(() => refused >= 4));
    for (const api of Object.values(apis)) {
      api.check(await errorOf(api.ask(api.client(steady))), 503, 'unavailable_error');
      const answer = await raw(...api.post, bearer(steady));
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers.get('retry-after')) >= 1);
      api.shape(await answer.json());
    }
  } finally {
    process.kill(held[0], 'SIGCONT');
  }
  const statuses = await Promise.all(waiting);
  assert.ok(statuses.includes(200), `${statuses}`);
  assert.equal(await apis.ollama.ask(apis.ollama.client(steady)), hello);
});

// A fast engine may have ended its answer before it is killed: then once more.
async function killedInMidStream(api) {
  for (let i = 0; i < 20; i++) {
    let said = '';
    const error = await errorOf((async () => {
      for await (const text of api.texts(api.client(steady), 'count')) {
        if (said === '' && text) for (const pid of engines()) process.kill(pid, 'SIGKILL');
        said += text ?? '';
      }
    })());
    if (error) return { said, error };
    assert.ok(said.endsWith('done.'), 'what ends without an error is whole');
  }
  return {};
}

for (const [name, api] of Object.entries(apis)) {
  test(`${name}: an engine that dies in mid-stream is an error of the client`, async () => {
    const { said, error } = await killedInMidStream(api);
    assert.ok(error, 'no kill came in time');
    assert.ok(said.startsWith('Counting:'));
    api.checkLate(error);
    assert.ok(await eventually(async () => (await errorOf(api.ask(api.client(steady)))) === null));
  });
}
