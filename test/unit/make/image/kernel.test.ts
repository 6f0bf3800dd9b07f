import { expect, test } from "bun:test";
import { kernelImage } from "../../../../lib/make/image/kernel.ts";
import { testHost } from "../../../support/host.ts";

function depends(stdout: string): Promise<string> {
  using host = testHost({ answer: () => ({ stdout }) });
  return kernelImage("linux-image-amd64", {}, host);
}

test("kernelImage() is the package that the metapackage depends on", async () => {
  expect(await depends("linux-image-amd64\n  Depends: linux-image-6.12.1-amd64\n")).toBe(
    "linux-image-6.12.1-amd64",
  );
  await expect(depends("linux-image-amd64\n  Depends: linux-base\n")).rejects.toThrow(
    "depends on no kernel image",
  );
});
