import { describe, expect, test } from "bun:test";
import { readDelivery, writeDelivery } from "../../../lib/operator/delivery-record.ts";
import { objectStore } from "../../support/object-store.ts";

const HOLDER = "/api/v1/namespaces/kube-system/configmaps/k3os-manifests";
const file = { digest: "d", objects: { "/api/v1/namespaces/x": namespace("x") } };

function namespace(name: string) {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

describe("the record of a delivery", () => {
  test("is read as it was written, and written again", async () => {
    const store = objectStore();
    await writeDelivery({ version: "v1", files: { "a/b.yaml": file }, holder: undefined }, store);
    const read = await readDelivery(store);
    expect([read.version, read.files]).toEqual(["v1", { "a/b.yaml": file }]);
    await writeDelivery({ ...read, version: "v2" }, store);
    expect((await readDelivery(store)).version).toBe("v2");
  });

  test("is not written over another server's", async () => {
    const store = objectStore();
    await writeDelivery({ version: "v1", files: {}, holder: undefined }, store);
    const read = await readDelivery(store);
    store.patch(HOLDER, { data: { version: "v3" } });
    await expect(writeDelivery({ ...read, version: "v2" }, store)).rejects.toThrow("has been modified");
  });

  test("is empty at first, and without what is damaged or not ours", async () => {
    const store = objectStore();
    expect(await readDelivery(store)).toEqual({ version: undefined, files: {}, holder: undefined });
    store.put(HOLDER, { metadata: {}, data: { version: "v1", a: "{", b: '{"path":"b"}' } });
    expect((await readDelivery(store)).files).toEqual({});
  });
});
