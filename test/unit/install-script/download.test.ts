import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import {
  checksums,
  EXECUTABLE,
  FAKE_EXECUTABLE,
  LIST,
  ON_TERMINAL,
  openScene,
  type SceneOptions,
  SHELLS,
} from "../../support/install-script.ts";
import { serveLoopback } from "../../support/loopback.ts";

const DOWNLOADERS = [
  { name: "curl", shell: ["dash"], tools: { curl: "curl" } },
  { name: "GNU wget", shell: ["bash"], tools: { wget: "wget" } },
  { name: "busybox wget", shell: ["dash"], tools: { wget: "busybox" } },
];

/** A release whose files may be replaced, also by what answers in their place; other paths are not there. */
function serveRelease(files: Readonly<Record<string, string | ((response: ServerResponse) => void)>> = {}) {
  const release = { [EXECUTABLE]: FAKE_EXECUTABLE, [LIST]: checksums(FAKE_EXECUTABLE), ...files };
  return serveLoopback((request, response) => {
    const file = release[(request.url ?? "").slice(1)];
    if (typeof file === "function") return file(response);
    const body = file ?? "not here";
    response.writeHead(file === undefined ? 404 : 200, { "content-length": body.length }).end(body);
  });
}

function breakOff(response: ServerResponse): void {
  response.writeHead(200, { "content-length": FAKE_EXECUTABLE.length });
  response.write(FAKE_EXECUTABLE.slice(0, 20), () => response.destroy());
}

describe.each(DOWNLOADERS)("install.sh with $name", ({ shell, tools }) => {
  test("downloads again what broke off", async () => {
    let breaks = 0;
    await using server = await serveRelease({
      [EXECUTABLE]: (response) => {
        breaks += 1;
        if (breaks < 3) breakOff(response);
        else response.end(FAKE_EXECUTABLE);
      },
    });
    using scene = openScene({ tools });
    const result = await scene.call({ shell, args: ["/dev/null", `${server.origin}/a.iso`] });
    expect(result.code).toBe(0);
    expect(breaks).toBe(3);
    expect(scene.recorded()?.arguments).toEqual([
      "install",
      "--bootstrap",
      "/dev/null",
      `${server.origin}/a.iso`,
    ]);
    expect(scene.leftovers()).toEqual([]);
  });

  test("gives up when it breaks off again and again", async () => {
    await using server = await serveRelease({ [EXECUTABLE]: breakOff });
    using scene = openScene({ tools });
    const result = await scene.call({ shell, args: ["/dev/null", `${server.origin}/a.iso`] });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`install.sh: cannot download ${server.origin}/${EXECUTABLE}`);
    expect(server.requests).toHaveLength(4);
    expect(scene.recorded()).toBeUndefined();
    expect(scene.leftovers()).toEqual([]);
  });

  test("tells what the server said, and what it wanted there", async () => {
    await using server = await serveRelease();
    using scene = openScene({ tools });
    const result = await scene.call({ shell, args: ["/dev/null", `${server.origin}/none/a.iso`] });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("404");
    expect(result.stderr).toContain(`install.sh: cannot download ${server.origin}/none/${LIST}`);
    expect(scene.recorded()).toBeUndefined();
    expect(scene.leftovers()).toEqual([]);
  });

  test("follows redirections", async () => {
    const elsewhere = (response: ServerResponse) => response.writeHead(302, { location: "/there" }).end();
    await using server = await serveRelease({ [EXECUTABLE]: elsewhere, there: FAKE_EXECUTABLE });
    using scene = openScene({ tools });
    const result = await scene.call({ shell, args: ["/dev/null", `${server.origin}/a.iso`] });
    expect(result.code).toBe(0);
  });

  test("shows progress on a terminal", async () => {
    await using server = await serveRelease();
    using scene = openScene({ tools: { ...tools, script: "script" } });
    const args = ["/dev/null", `${server.origin}/a.iso`];
    const result = await scene.call({ shell, args, by: ON_TERMINAL, saved: true });
    expect(result.code).toBe(0);
    expect(result.stdout).toContain("100");
    expect(scene.leftovers()).toEqual([]);
  });

  test("takes no URL for an option", async () => {
    using scene = openScene({ tools });
    // as an option it would make wget write to a file there
    const written = join(scene.directory, "log:/x");
    mkdirSync(written, { recursive: true });
    const env = { K3OS_RELEASE_URL: "-olog://x" };
    const result = await scene.call({ shell, args: ["/dev/null"], env });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain(`install.sh: cannot download -olog://x/${LIST}`);
    expect(readdirSync(written)).toEqual([]);
  });
});

test("install.sh takes the wget that busybox's shell has built in", async () => {
  await using server = await serveRelease();
  using scene = openScene({ tools: {} });
  const result = await scene.call({
    shell: ["busybox", "sh"],
    args: ["/dev/null", `${server.origin}/a.iso`],
  });
  expect(result.code).toBe(0);
  expect(server.requests[0]?.headers["user-agent"]).toBe("Wget");
});

test("install.sh takes the newest release by default, and lets curl keep to https", async () => {
  const curl = '#!/bin/sh\necho "$*"\nexit 22\n';
  using scene = openScene({ tools: { curl } });
  const result = await scene.call({ shell: ["dash"], args: ["/dev/null"] });
  expect(result.stdout).toContain(" --proto-redir =https ");
  expect(result.stdout).toEndWith(` -- https://github.com/k3os/k3os/releases/latest/download/${LIST}\n`);
});

const OTHER = checksums("another");

interface Refusal {
  readonly name: string;
  /** Replaced files of the release. */
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly says: string;
}

const REFUSALS: readonly Refusal[] = [
  {
    name: "an executable of another checksum",
    files: { [LIST]: OTHER },
    says: `${EXECUTABLE} is not what the release lists: its sha256 is `,
  },
  {
    name: "an executable that is not listed",
    files: { [LIST]: OTHER.replaceAll(EXECUTABLE, `x${EXECUTABLE}`) },
    says: `${LIST} has no checksum of ${EXECUTABLE}`,
  },
  { name: "a page for a list", files: { [LIST]: "<html>" }, says: `has no checksum of ${EXECUTABLE}` },
  {
    name: "a local release without files",
    args: ["/dev/null", "./a.iso"],
    says: `cannot read DIRECTORY/./${LIST}`,
  },
  {
    name: "a --binary that is missing",
    args: ["--binary=none", "/dev/null"],
    says: 'cannot copy the executable "none"',
  },
  {
    name: "a --binary without a name",
    args: ["--binary=", "/dev/null"],
    says: 'cannot copy the executable ""',
  },
];

describe.each(SHELLS.map((shell) => ({ shell })))("install.sh in $shell", ({ shell }) => {
  test.each(REFUSALS)("refuses $name", async ({ files, args, says }) => {
    await using server = await serveRelease(files);
    using scene = openScene();
    const result = await scene.call({ shell, args: args ?? ["/dev/null", `${server.origin}/a.iso`] });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain(says.replace("DIRECTORY", scene.directory));
    expect(scene.recorded()).toBeUndefined();
    expect(scene.leftovers()).toEqual([]);
  });
});

/** Machines of which something is different; busybox's shell would not notice. */
const MACHINES: readonly (SceneOptions & { readonly name: string; readonly says?: string })[] = [
  {
    name: "another user",
    tools: { id: "#!/bin/sh\necho 1000\n" },
    says: "needs root; through a pipe it is: ",
  },
  {
    name: "another processor",
    tools: { uname: "#!/bin/sh\necho riscv64\n" },
    says: "there is no k3OS for this machine (riscv64): it needs x86_64, aarch64 or armv7",
  },
  { name: "nothing to download with", tools: {}, says: "needs curl or wget" },
  { name: "shasum", tools: { curl: "curl", shasum: "shasum" }, without: ["sha256sum"] },
  { name: "openssl", tools: { curl: "curl", openssl: "openssl" }, without: ["sha256sum"] },
  { name: "nothing to verify with", without: ["sha256sum"], says: "needs sha256sum, shasum or openssl" },
];

describe.each([["dash"], ["bash"]])("install.sh in %s, where there is", (shell) => {
  test.each(MACHINES)("$name", async ({ says, ...options }) => {
    await using server = await serveRelease();
    using scene = openScene(options);
    const result = await scene.call({ shell: [shell], args: ["/dev/null", `${server.origin}/a.iso`] });
    expect(result.stderr).toContain(says === undefined ? "downloading" : `install.sh: ${says}`);
    expect(result.code).toBe(says === undefined ? 0 : 1);
    expect(server.requests).toHaveLength(says === undefined ? 2 : 0);
    expect(scene.leftovers()).toEqual([]);
  });
});

test.each([
  ["x86_64", "amd64"],
  ["aarch64", "arm64"],
  ["arm64", "arm64"],
  ["armv7l", "arm"],
  ["armv8l", "arm"],
])("install.sh takes on %s the executable for %s", async (machine, arch) => {
  await using server = await serveRelease();
  using scene = openScene({ tools: { curl: "curl", uname: `#!/bin/sh\necho ${machine}\n` } });
  await scene.call({ shell: ["dash"], args: ["/dev/null", `${server.origin}/a.iso`] });
  expect(server.requests[0]?.url).toBe(`/sha256sum-${arch}.txt`);
});
