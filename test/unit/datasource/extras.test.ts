import { describe, expect, test } from "bun:test";
import { extrasOf } from "../../../lib/datasource/extras.ts";

function extras(tree: unknown): { found: unknown; ignored: string[] } {
  const ignored: string[] = [];
  const text = typeof tree === "string" ? tree : JSON.stringify(tree);
  return { found: extrasOf(Buffer.from(text), (what) => ignored.push(what)), ignored };
}

describe("extrasOf()", () => {
  test("gives files and directories with their permissions", () => {
    const tree = {
      ssh: { entries: { config: { perm: "0600", content: "x" }, empty: { perm: "0700", entries: {} } } },
      plain: { content: "" },
    };
    expect(extras(tree).found).toEqual([
      { path: "ssh", mode: 0o755, content: undefined },
      { path: "ssh/config", mode: 0o600, content: "x" },
      { path: "ssh/empty", mode: 0o700, content: undefined },
      { path: "plain", mode: 0o644, content: "" },
    ]);
  });

  test.each([
    "#cloud-config\n",
    '{"hostname": "a"}',
    '{"k3os": {"token": "t"}}',
    '[{"a": {"content": "x"}}]',
    '{"a": {"content": "x"}, "b": "plain"}',
    "{a: {content: x}}",
  ])("finds none in %j, which is for somebody else", (text) => {
    expect(extras(text)).toEqual({ found: [], ignored: [] });
  });

  test.each(["..", ".", "", "../x", "/etc/passwd", "a/b", "a\0b", "a\nb", "x".repeat(256)])(
    "leaves out the name %j, and keeps what stands beside it",
    (name) => {
      const { found, ignored } = extras({ [name]: { content: "evil" }, good: { content: "x" } });
      expect(found).toEqual([{ path: "good", mode: 0o644, content: "x" }]);
      expect(ignored).toHaveLength(1);
    },
  );

  test.each([
    { perm: "rw", content: "x" },
    { perm: 644, content: "x" },
    { content: "x", entries: {} },
    { content: 5 },
    {},
  ])("leaves out the entry %j", (entry) => {
    const { found, ignored } = extras({ entry, good: { content: "x" } });
    expect(found).toHaveLength(1);
    expect(ignored).toHaveLength(1);
  });

  test("takes off set-id bits, and says so", () => {
    const { found, ignored } = extras({ tool: { perm: "04755", content: "x" } });
    expect(found).toEqual([{ path: "tool", mode: 0o755, content: "x" }]);
    expect(ignored).toEqual(['file "tool": set-id and sticky bits']);
  });

  test("ends where directories are nested too deeply", () => {
    let tree: unknown = { content: "x" };
    for (let depth = 0; depth < 40; depth++) tree = { entries: { d: tree } };
    const { found, ignored } = extras({ top: tree });
    expect(found).toHaveLength(16);
    expect(ignored).toHaveLength(1);
  });
});
