import { isFields } from "../tools/fs/record.ts";

/** A value of JSON; undefined: it is absent. */
export type Value = unknown;

type Fields = Readonly<Record<string, Value>>;

/**
 * Brings `live` from what was `delivered` last to `next`, and leaves what a person changed: a field of `live` follows
 * only if it still has the value that was delivered. A field that a person removed stays away, one that a person added
 * stays, and defaults that the API server filled in are no change. Lists of objects with a `name`, as containers, merge
 * by it; all others are one value.
 */
export function mergeObject(delivered: Fields, live: Fields, next: Fields): Fields {
  const merged: Record<string, Value> = {};
  for (const key of new Set([...Object.keys(live), ...Object.keys(next)])) {
    const value = mergeValue(delivered[key], live[key], next[key]);
    if (value !== undefined) merged[key] = value;
  }
  return merged;
}

function mergeValue(delivered: Value, live: Value, next: Value): Value {
  if (live === undefined) return delivered === undefined ? next : undefined;
  if (next === undefined) return delivered !== undefined && covers(live, delivered) ? undefined : live;
  if (isFields(live) && isFields(next)) return mergeObject(isFields(delivered) ? delivered : {}, live, next);
  if (covers(live, next)) return live;
  const [before, now, then] = [delivered ?? [], live, next].map(byName);
  if (before !== undefined && now !== undefined && then !== undefined) {
    return Object.values(mergeObject(before, now, then));
  }
  return delivered !== undefined && covers(live, delivered) ? next : live;
}

/** The elements of a list under their names; undefined if it is no list of objects with different names. */
function byName(list: Value): Fields | undefined {
  if (!Array.isArray(list)) return undefined;
  const named = list.flatMap((element: Value): [string, Value][] => {
    // a prefix, since an object puts keys that are numbers first
    return isFields(element) && typeof element.name === "string" ? [[`=${element.name}`, element]] : [];
  });
  const fields = Object.fromEntries(named);
  return Object.keys(fields).length === list.length ? fields : undefined;
}

/** Whether a value is what was sent to the API server, apart from fields that the server adds. */
export function covers(live: Value, sent: Value): boolean {
  if (Array.isArray(sent)) {
    return (
      Array.isArray(live) && live.length === sent.length && sent.every((part, i) => covers(live[i], part))
    );
  }
  if (isFields(sent)) return isFields(live) && Object.keys(sent).every((key) => covers(live[key], sent[key]));
  return live === sent;
}
