import { expect, test } from "bun:test";
import { treeArchive } from "../../../../lib/make/image/compressed-tree.ts";
import { testHost } from "../../../support/host.ts";

test("treeArchive() takes compressed files as they are, and refuses one that was not compressed", () => {
  using host = testHost({ files: { "/k3os": "program" } });
  const source = `${host.root}/k3os`;
  const tree = [{ kind: "file", path: "k3os", source, mode: 0o755 }] as const;
  const where = { top: "v1.0.0", mtime: 1 };
  const gzip = { path: `${source}.gz`, digest: "" };
  const archive = treeArchive(tree, where, [{ file: { path: source, digest: "" }, gzip }]);
  expect(archive.plain).toContainEqual({ file: source });
  expect(archive.gzip).toContainEqual({ file: gzip.path });
  expect(() => treeArchive(tree, where, [])).toThrow("was not compressed");
});
