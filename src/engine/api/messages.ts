/** The streams of JSON by which an engine tells how a load or a pull goes: one message for each line, errors among them. */
import { isObject } from '../../support/is-object.ts';

export interface EngineMessage {
  /** What it says, as the docker command would print it: `Loaded image: nginx:1.25`. */
  text?: string;
  /** Why it failed; the status of the answer is 200 all the same. */
  error?: string;
  /** Bytes of one layer of a pull. */
  progress?: { id: string; current: number; total: number };
}

/** Characters of one message; a longer line is no message of an engine. */
const LINE_LIMIT = 1024 * 1024;

/** The messages of an answer. Lines that are no JSON are given as text: a proxy may have put them there. */
export async function* readMessages(body: AsyncIterable<Uint8Array>): AsyncGenerator<EngineMessage> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n');
    rest = (lines.pop() ?? '').slice(0, LINE_LIMIT);
    for (const line of lines) if (line.trim() !== '') yield messageOf(line);
  }
  if (rest.trim() !== '') yield messageOf(rest);
}

function messageOf(line: string): EngineMessage {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return { text: line.trim() };
  }
  if (!isObject(json)) return {};
  const detail = isObject(json.errorDetail) ? json.errorDetail.message : undefined;
  const error = [detail, json.error].find(text => typeof text === 'string' && text !== '');
  if (typeof error === 'string') return { error };
  const { id, status, stream, progressDetail: moved } = json;
  const text = [stream, status].find(text => typeof text === 'string');
  const message: EngineMessage = typeof text === 'string' ? { text: text.trim() } : {};
  if (typeof id === 'string' && isObject(moved) && typeof moved.current === 'number')
    message.progress = { id, current: moved.current, total: Number(moved.total) || 0 };
  return message;
}
