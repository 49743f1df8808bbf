// What every suite needs: where the server is, and the models that the driver made there.
import { readFileSync, readdirSync } from 'node:fs';

export const url = process.env.HEARTH_URL;
/** Says what scripted_model.cpp has written down: tools, thoughts, a long count. */
export const model = 'scripted';
/** A registry for pull and push, or nothing. */
export const registry = process.env.HEARTH_TEST_REGISTRY;

export const hello =
  'Hello! I am a scripted model, and this is all that I have to say. Grüße 🦊!';
export const weather = {
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: {
    type: 'object',
    properties: {
      city: { type: 'string' },
      unit: { type: 'string', enum: ['celsius', 'kelvin'] },
    },
    required: ['city', 'unit'],
  },
};
/** Every answer that keeps it ends soon, whatever the model would rather say. */
export const schema = {
  type: 'object',
  properties: {
    colour: { type: 'string', enum: ['red', 'green', 'blue'] },
    count: { type: 'integer', minimum: 0, maximum: 99 },
    ripe: { type: 'boolean' },
  },
  required: ['colour', 'count', 'ripe'],
  additionalProperties: false,
};

/** POSTs as no client library would: any body, any headers. */
export function raw(path, body, headers = {}) {
  return fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** Waits until `check` gives true: 30 s at most. */
export async function eventually(check) {
  for (let i = 0; i < 300; i++) {
    if (await check()) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

/** What /metrics says of all series of `name` whose labels hold `label`, added up. */
export async function metric(name, label = '', headers = {}) {
  const text = await (await fetch(url + '/metrics', { headers })).text();
  return text.split('\n')
    .filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/**
 * Runs `leave`, which begins an answer and goes away in the middle of it, until the server has counted one that was
 * given up: on a fast machine an answer may end before its client leaves.
 */
export async function givesUp(leave) {
  for (let i = 0; i < 20; i++) {
    const before = await metric('hearth_answers_total', 'end="cancelled"');
    await leave();
    if (await eventually(async () => (await metric('hearth_answers_running')) === 0) &&
        (await metric('hearth_answers_total', 'end="cancelled"')) > before) return true;
  }
  return false;
}

/** The processes `hearth engine` of this suite's server. */
export function engines() {
  const home = `HEARTH_HOME=${process.env.HEARTH_HOME}`;
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[1] === 'engine' &&
             readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(home);
    } catch {
      return false;  // it has ended, or is another's
    }
  }).map(Number);
}
