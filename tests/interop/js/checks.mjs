// What a session says of itself: every check has a name and is counted; the first that does not
// hold ends the session.
import { isDeepStrictEqual, inspect } from "node:util";

const WAIT_MS_MAX = 60_000;
const PAUSE_MS = 20;
const SKEW_MS_MAX = 600_000;
const DETAIL_CHARACTERS_MAX = 2000;

let passed = 0;

export class Failed extends Error {}

process.on("uncaughtException", (error) => {
  const shown = error instanceof Failed ? error.message : inspect(error, { depth: 6 });
  console.log(`  FAIL  ${shown.slice(0, DETAIL_CHARACTERS_MAX)}`);
  process.exit(1);
});

export function that(name, holds, detail = "") {
  if (!holds) throw new Failed(`${name}: ${inspect(detail, { depth: 6 })}`);
  passed += 1;
  console.log(`  ok    ${name}`);
}

export function equal(name, found, expected) {
  that(name, isDeepStrictEqual(found, expected), { found, expected });
}

/** The call must be refused with the class that the SDK has for this exception. */
export async function refused(name, call, exception) {
  try {
    await call();
  } catch (error) {
    that(name, error instanceof exception, error);
    that(`${name}: its message`, Boolean(error.message), error);
    return;
  }
  that(name, false, "it was not refused");
}

export function recent(time) {
  return time instanceof Date && Math.abs(Date.now() - time.getTime()) < SKEW_MS_MAX;
}

export const pause = (ms = PAUSE_MS) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until the answer is true, and returns it. */
export async function until(what, ask) {
  const end = Date.now() + WAIT_MS_MAX;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Failed(`waited too long for ${what}`);
    await pause();
  }
}

export function close(session) {
  console.log(`${session}: ${passed} checks passed, 0 failed`);
}
