import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { joinImages } from "../../../../lib/make/release/container-index.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { makeSigningKey, openSigningKey } from "../../../../lib/tools/release/signing-key.ts";
import { testHost } from "../../../support/host.ts";
import { makeArtifacts } from "../../../support/release-artifacts.ts";

const ARCHES = ["amd64", "arm64", "arm"] as const;

describe("joinImages()", () => {
  test("makes one image of several, under one tag", async () => {
    using host = testHost();
    const real = { ...host, run: runProgram };
    await makeSigningKey(join(host.root, "key"), real);
    const key = await openSigningKey(join(host.root, "key"), real);
    await makeArtifacts({ directory: host.root, arches: ARCHES, version: "v1+2", key }, real);
    const archives = ARCHES.map((arch) => join(host.root, `k3os-image-${arch}.tar`));
    const join_ = (name: string) =>
      joinImages(archives, join(host.root, name), { version: "v1+2", sourceDateEpoch: 1 }, real);
    await join_("one.tar");
    const raw = await runProgram([
      "skopeo",
      "inspect",
      "--raw",
      `oci-archive:${join(host.root, "one.tar")}:v1-2`,
    ]);
    const { manifests } = JSON.parse(raw.stdout);
    expect(manifests.map(({ platform }: { platform: object }) => platform)).toEqual([
      ...[
        { architecture: "amd64", os: "linux" },
        { architecture: "arm64", os: "linux" },
      ],
      { architecture: "arm", os: "linux", variant: "v7" },
    ]);
    const copy = [
      "copy",
      "--all",
      "--quiet",
      `oci-archive:${join(host.root, "one.tar")}`,
      `dir:${host.root}/copy`,
    ];
    await runProgram(["skopeo", ...copy]);
    const digest = (name: string) =>
      createHash("sha256")
        .update(readFileSync(join(host.root, name)))
        .digest("hex");
    await join_("two.tar");
    expect(digest("two.tar")).toBe(digest("one.tar"));
  }, 60_000);
});
