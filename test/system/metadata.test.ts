import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { A, CLOUDS, EC2_UUID, TOKEN, USERDATA } from "../support/cloud-scripts.ts";
import type { Act, Script } from "../support/cloud-server.ts";
import { type Clouds, EXECUTABLE, openClouds } from "../support/clouds.ts";
import { makeKey } from "../support/ssh-key.ts";

/** `k3os metadata` as it is shipped, against every cloud at its own address in a network namespace of the test. */
const B = makeKey("ssh-ed25519", "b");
const NETWORK = [
  ...["aws", "azure", "digitalocean", "gcp", "hetzner", "openstack", "packet", "scaleway", "vultr"],
];

let clouds: Clouds;

beforeAll(async () => {
  clouds = await openClouds();
});

afterAll(() => clouds?.[Symbol.asyncDispose]());

beforeEach(async () => {
  await clouds.shell("rm -rf /run/config /run/k3os /var/lib/rancher/k3os");
  await clouds.become({});
  await clouds.network("clouds");
});

/** Files below /run/config with mode and content, in a few lines. */
function written(): Promise<string> {
  return clouds.shell(
    'cd /run/config 2>/dev/null || exit 0; find . -type f | sort | while read -r f; do echo "$f $(stat -c %a "$f") $(head -c 200 "$f")"; done',
  );
}

/** AWS with one scene replaced or added. */
function awsWith(path: string, act: Act | string): Script {
  return { "169.254.169.254": { ...CLOUDS.aws?.script["169.254.169.254"], [path]: act } };
}

describe("k3os metadata", () => {
  test.each(NETWORK)("takes what %s says, named alone", async (name) => {
    const cloud = CLOUDS[name];
    await clouds.play(cloud?.script ?? {});
    const { code, stderr } = await clouds.k3os("metadata", name);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const files = await written();
    expect(files).toContain(`./provider 644 ${cloud?.title}`);
    expect(files).toContain(`./userdata 600 ${USERDATA.trim()}`);
    expect(files).toContain(`./ssh/authorized_keys 600 ${A}`);
    expect(files).toContain("./hostname 644 node");
    expect(stderr).not.toContain("secret-token");
  });

  test.each(NETWORK.filter((name) => CLOUDS[name]?.dmi))(
    "knows a machine of %s, and asks no other cloud",
    async (name) => {
      await clouds.play(CLOUDS[name]?.script ?? {});
      await clouds.become(CLOUDS[name]?.dmi ?? {});
      const { code, stdout } = await clouds.k3os("metadata", "--explain", "--json", ...NETWORK);
      const events = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      const { taken, sources } = events.find(({ event }) => event === "result").value;
      expect([code, taken, events.at(-1)]).toEqual([
        0,
        name,
        expect.objectContaining({ event: "end", ok: true }),
      ]);
      const asked = sources.filter((source: { asked: unknown[] }) => source.asked.length > 0);
      expect(asked.map((source: { name: string }) => source.name)).toEqual([name]);
    },
  );

  test("answers to its legacy name, and reads the sources of the configuration", async () => {
    await clouds.play(CLOUDS.vultr?.script ?? {});
    await clouds.shell("mkdir -p /var/lib/rancher/k3os /run/bin");
    await clouds.shell("echo 'k3os: {data_sources: [vultr]}' > /var/lib/rancher/k3os/config.yaml");
    await clouds.shell(`ln -sf ${EXECUTABLE} /run/bin/metadata`);
    await clouds.run(["/run/bin/metadata"]);
    expect(await written()).toContain("./provider 644 Vultr");
  });

  test("finds AWS at its IPv6 address where the other is dead", async () => {
    await clouds.play({ "fd00:ec2::254": CLOUDS.aws?.script["169.254.169.254"] ?? {} });
    await clouds.shell("ip addr del 169.254.169.254/32 dev lo");
    const { code } = await clouds.k3os("metadata", "aws");
    expect(code).toBe(0);
    expect(await written()).toContain("./provider 644 AWS");
  });

  test.each(["hetzner", "openstack"])("finds %s at its link-local address without IPv4", async (name) => {
    const [script = {}] = Object.values(CLOUDS[name]?.script ?? {});
    await clouds.play({ "fe80::a9fe:a9fe": script });
    await clouds.network("nothing");
    await clouds.shell("ip link add link0 type veth peer name link1");
    await clouds.shell("ip link set link0 up; ip link set link1 up");
    await clouds.shell("ip -6 addr add fe80::a9fe:a9fe/64 dev link0 nodad");
    const { code, stderr } = await clouds.k3os("metadata", name);
    await clouds.shell("ip link del link0");
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(await written()).toContain(`./provider 644 ${CLOUDS[name]?.title}`);
  });

  test("goes on past an unknown name, and exits with 1", async () => {
    await clouds.play(CLOUDS.gcp?.script ?? {});
    const { code, stderr } = await clouds.k3os("metadata", "gpc", "gcp");
    expect(code).toBe(1);
    expect(stderr).toContain('Unknown data source "gpc": did you mean "gcp"?');
    expect(await written()).toContain("./provider 644 GCP");
  });

  test("replaces what an earlier run wrote", async () => {
    await clouds.play(CLOUDS.digitalocean?.script ?? {});
    await clouds.k3os("metadata", "digitalocean");
    await clouds.play({ "169.254.169.254": { "/metadata/v1.json": JSON.stringify({ public_keys: [B] }) } });
    await clouds.k3os("metadata", "digitalocean");
    expect(await written()).toBe(`./provider 644 DigitalOcean\n./ssh/authorized_keys 600 ${B}`);
  });

  test("unpacks the files of JSON user data below /run/config only", async () => {
    const tree = {
      "../esc": { content: "evil" },
      "/abs": { content: "evil" },
      app: { entries: { "conf.yaml": { perm: "0640", content: "a: 1" }, "..": { content: "evil" } } },
    };
    await clouds.play(awsWith("/latest/user-data", JSON.stringify(tree)));
    expect((await clouds.k3os("metadata", "aws")).code).toBe(0);
    expect(await written()).toContain("./app/conf.yaml 640 a: 1");
    expect(await clouds.shell("ls /run/esc /abs 2>&1 | grep -c 'No such file'")).toBe("2");
  });

  test("keeps the answer for a boot without network, for this machine only", async () => {
    await clouds.become({ product_uuid: EC2_UUID });
    await clouds.play(CLOUDS.aws?.script ?? {});
    expect((await clouds.k3os("metadata", "aws")).code).toBe(0);
    await clouds.shell("rm -rf /run/config");
    await clouds.network("nothing");
    const without = await clouds.k3os("metadata", "--timeout", "2", "aws");
    expect([without.code, await written()]).toEqual([1, ""]);
    const cached = await clouds.k3os("metadata", "--timeout", "2", "--cached", "aws");
    expect(cached.stderr).toContain("using what aws said on 20");
    expect(cached.code).toBe(0);
    expect(await written()).toContain("./userdata 600 #cloud-config");
    await clouds.shell("rm -rf /run/config");
    await clouds.become({ product_uuid: EC2_UUID.replace("1916", "2027") });
    const clone = await clouds.k3os("metadata", "--timeout", "2", "--cached", "aws");
    expect([clone.code, await written()]).toEqual([1, ""]);
    expect(clone.stderr).toContain("meant for another machine");
  });
});

describe("a dead network", () => {
  test("costs nine sources less than ten seconds where nothing routes", async () => {
    await clouds.network("nothing");
    const { code, stderr, seconds } = await clouds.k3os("metadata", ...NETWORK);
    expect(code).toBe(1);
    expect(seconds).toBeLessThan(10);
    for (const name of NETWORK) expect(stderr).toContain(`  ${name}: Cannot fetch `);
    expect(await written()).toBe("");
  });

  test("costs nine sources less than ten seconds where packets are lost", async () => {
    await clouds.network("black hole");
    const { code, seconds } = await clouds.k3os("metadata", ...NETWORK);
    expect(code).toBe(1);
    expect(seconds).toBeLessThan(10);
  });

  test("is waited for by a machine that belongs to a cloud, until the deadline", async () => {
    await clouds.become({ sys_vendor: "Hetzner" });
    await clouds.network("black hole");
    const { code, seconds, stderr } = await clouds.k3os("metadata", "--timeout", "4", "hetzner", "aws");
    expect(code).toBe(1);
    expect(seconds).toBeGreaterThan(3);
    expect(seconds).toBeLessThan(8);
    expect(stderr).toMatch(/No data source answered:\n {2}hetzner: Cannot fetch .*: not finished within 4 s/);
  });
});

describe("a bad server", () => {
  const run = async (script: Script, ...options: readonly string[]) => {
    await clouds.play(script);
    const result = await clouds.k3os("metadata", ...options, "aws");
    return { ...result, files: await written() };
  };

  test("that gives a web page instead of keys costs the keys only", async () => {
    const page = { headers: { "content-type": "text/html" }, body: "<html><body>log in</body></html>" };
    const { code, files, stderr } = await run(awsWith("/latest/meta-data/public-keys/0/openssh-key", page));
    expect(code).toBe(0);
    expect(files).toContain("./userdata 600 #cloud-config");
    expect(files).not.toContain("authorized_keys");
    expect(stderr).toContain("found a web page, expected metadata");
  });

  test("that gives lines that are no keys, and CRLF, costs those lines only", async () => {
    const { code, files, stderr } = await run(
      awsWith("/latest/meta-data/public-keys/0/openssh-key", `junk\r\n${A}\r\nssh-rsa AAAA\r\n${B}\r\n`),
    );
    expect(code).toBe(0);
    expect(files).toContain(`./ssh/authorized_keys 600 ${A}\n${B}`);
    expect(stderr).toContain("2 of 4 lines are not SSH public keys");
  });

  test("that gives a key never costs the key only, and no more than the deadline", async () => {
    const act = { manner: "stall" } as const;
    const script = awsWith("/latest/meta-data/public-keys/0/openssh-key", act);
    const { code, files, seconds } = await run(script, "--timeout", "4");
    expect(code).toBe(0);
    expect(files).toContain("./userdata 600 #cloud-config");
    expect(seconds).toBeLessThan(7);
  });

  test("that says 500 once is asked again", async () => {
    const act = { statuses: [500, 200], wants: TOKEN, body: USERDATA };
    const { code, files, stderr } = await run(awsWith("/latest/user-data", act));
    expect(code).toBe(0);
    expect(files).toContain("./userdata 600 #cloud-config");
    expect(stderr).toContain("status 500; trying again");
  });

  test("that has nothing is not there", async () => {
    const { code, files, stderr } = await run({});
    expect([code, files]).toEqual([1, ""]);
    expect(stderr).toContain("aws: nothing there");
  });

  test.each([
    ["answers never", { manner: "stall" }, "did not answer|not finished"],
    ["drips for ever", { manner: "drip" }, "not finished"],
    ["sends 100 MiB", { manner: "flood" }, "larger than 16777216 bytes"],
    ["encodes wrongly", { headers: { "content-encoding": "gzip" }, body: "no gzip" }, "not valid gzip"],
    ["encodes strangely", { headers: { "content-encoding": "x-odd" }, body: "?" }, "unknown encoding"],
    ["redirects to itself", { status: 302, headers: { location: "/latest/user-data" } }, "redirects"],
    [
      "redirects to a file",
      { status: 302, headers: { location: "file:///etc/shadow" } },
      "refused to follow",
    ],
  ] satisfies [string, Act, string][])(
    "that %s fails in time, says why, and leaves nothing",
    async (_, act, reason) => {
      const { code, files, stderr, seconds } = await run(awsWith("/latest/user-data", act), "--timeout", "5");
      expect({ code, files }).toEqual({ code: 1, files: "" });
      expect(stderr).toMatch(new RegExp(`aws: .*(${reason})`));
      expect(seconds).toBeLessThan(9);
    },
  );
});

describe("k3os metadata --explain", () => {
  test("shows what was asked and taken within 80 columns, and writes nothing", async () => {
    await clouds.play(CLOUDS.aws?.script ?? {});
    await clouds.become(CLOUDS.aws?.dmi ?? {});
    const { code, stdout } = await clouds.k3os("metadata", "--explain", "aws", "gcp");
    expect(code).toBe(0);
    expect(stdout).toContain("recognised: aws");
    expect(stdout).toMatch(/PUT http:\/\/169\.254\.169\.254\/latest\/api\/token +200 +\d+ ms/);
    expect(stdout).toContain("gcp           not asked: this machine belongs to aws");
    expect(stdout).toContain("taken: aws");
    expect(stdout).not.toMatch(/secret-token|from-user-data|AAAA/);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(await written()).toBe("");
    expect(await clouds.shell("ls /var/lib/rancher/k3os/metadata 2>/dev/null || true")).toBe("");
  });
});
