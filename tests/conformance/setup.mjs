// What every suite needs: where the server is, and the models that the driver made there.
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
