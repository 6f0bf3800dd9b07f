import { expect, test } from "bun:test";
import { kindOfStatus } from "../../../../lib/tools/kubernetes/kubernetes-error.ts";

test.each([
  [401, "unauthorized"],
  [403, "forbidden"],
  [404, "notFound"],
  [409, "conflict"],
  [422, "invalid"],
  [503, "unavailable"],
  [301, "refused"],
] as const)("kindOfStatus() of %d is %s", (status, kind) => {
  expect(kindOfStatus(status)).toBe(kind);
});
