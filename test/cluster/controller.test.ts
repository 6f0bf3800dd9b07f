import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { k3sCachePath } from "../../lib/make/image/k3s-cache.ts";
import { WITHOUT_PARTS } from "../../lib/make/vm/cluster-node.ts";
import { answeringPod, makePodImages, podArchive } from "../../lib/make/vm/pod-images.ts";
import { type Hardware, within } from "../../lib/make/vm/virtual-node.ts";
import { systemHost } from "../../lib/tools/host/host.ts";
import { builtVersion } from "../support/built-k3s.ts";
import {
  type Cluster,
  type ClusterNode,
  K3S,
  makeNode,
  prepareCluster,
  startNode,
} from "../support/cluster.ts";
import { earlierK3s, makeReleaseOf } from "../support/earlier-release.ts";
import { ARTIFACTS } from "../support/image.ts";
import { importImages } from "../support/image-store.ts";
import { describeUnless, whyLeftOut } from "../support/left-out.ts";
import { PROJECT } from "../support/sources.ts";

const MINUTE = 60_000;
const MANIFESTS = "overlay/usr/share/rancher/k3s/server/manifests";

const manifest = readFileSync(join(PROJECT, MANIFESTS, "system-upgrade-controller.yaml"), "utf8");
const imageOf = (pattern: RegExp) => `docker.io/${pattern.exec(manifest)?.[1]}`;
const CONTROLLER = imageOf(/ image: (rancher\/system-upgrade-controller:\S+)/);
const KUBECTL = imageOf(/_KUBECTL_IMAGE: (\S+)/);

/** Beside the cache of k3s: `system-upgrade-controller/VERSION/ARCH/system-upgrade-controller`. */
function controllerProgram(): string {
  const downloads = join(dirname(k3sCachePath(K3S, "amd64", process.env)), "../../..");
  const version = CONTROLLER.split(":")[1] ?? "";
  return join(downloads, "system-upgrade-controller", version, "amd64/system-upgrade-controller");
}

const program = controllerProgram();
const withoutController = existsSync(program) ? undefined : `"${program}" is missing`;
const before = earlierK3s(K3S);
const reason = whyLeftOut("long") ?? before.missing ?? withoutController;

describeUnless(reason, "a server that the upgrade controller upgrades by a minor of Kubernetes", () => {
  const { version: oldK3s = "" } = before;
  const version = builtVersion("k3os") ?? "";
  let oldVersion: string;
  let cluster: Cluster;
  let hardware: Hardware;
  let node: ClusterNode;

  beforeAll(async () => {
    cluster = await prepareCluster();
    const release = await makeReleaseOf(oldK3s, join(cluster.scratch, "release"));
    oldVersion = release.version;
    const config = { k3os: { k3s_args: ["server", WITHOUT_PARTS] } };
    hardware = await makeNode("server", { config, release }, cluster);
    const archives = [...(await imagesOf(cluster)), join(ARTIFACTS, "k3os-image-amd64.tar")];
    importImages(hardware.disk, archives, k3sCachePath(oldK3s, "amd64", process.env));
    node = await startNode(hardware, "old", { cluster, memory: 3072 });
    await node.ready("server");
  }, 40 * MINUTE);

  /** Those of the controller, and the sandbox of the k3s before; the others come as archives. */
  async function imagesOf({ scratch }: Cluster): Promise<string[]> {
    const made = await makePodImages(join(scratch, "before"), { k3s: oldK3s }, systemHost());
    const pause = join(scratch, "pause-before.tar");
    renameSync(made.find((path) => path.endsWith("pause.tar")) ?? "", pause);
    const k3s = k3sCachePath(K3S, "amd64", process.env);
    const programs = [
      { name: CONTROLLER, file: "system-upgrade-controller", program: readFileSync(program) },
      { name: KUBECTL, file: "kubectl", program: readFileSync(k3s) },
    ];
    const own = programs.map((image) => {
      const archive = join(scratch, `${image.file}.tar`);
      writeFileSync(archive, podArchive("amd64", image));
      return archive;
    });
    return [pause, ...own];
  }

  afterAll(async () => {
    await node?.[Symbol.asyncDispose]();
    cluster?.[Symbol.dispose]();
  });

  const inNamespace = (args: string) => node.kubectl(`-n k3os-system ${args}`);

  const versions = async () =>
    (await node.run("cd /k3os/system; readlink k3os/current k3s/current")).split("\n");

  test(
    "has the controller, the Plans and the image of the release",
    async () => {
      expect(await versions()).toEqual([oldVersion, oldK3s]);
      await node.until(`sudo crictl images | grep -E 'k3os/k3os +${version}'`);
      await node.wait("deployment/system-upgrade-controller -n k3os-system", "create");
      await node.wait("deployment/system-upgrade-controller -n k3os-system", "condition=Available");
      await node.wait("plan/k3os-latest -n k3os-system", "create");
      await node.wait("serviceaccount/default", "create");
      await node.apply(answeringPod("evicted", { answer: "here" }));
      await node.wait("pod/evicted", "condition=Ready");
      await node.kubectl("create configmap kept --from-literal=made=before");
    },
    60 * MINUTE,
  );

  test(
    "is drained, restarted, found healthy, and lets pods onto it again",
    async () => {
      const spec = JSON.stringify({ spec: { channel: null, version } });
      await inNamespace(`patch plan k3os-latest --type=merge -p '${spec}'`);
      await node.kubectl("label node server k3os.io/upgrade=latest");
      await node.wait("node/server", "jsonpath={.spec.unschedulable}=true", { timeout: 30 * MINUTE });
      await within(node.machine.exited, 40 * MINUTE, "The job did not restart the machine");
      node = await startNode(hardware, "new", { cluster, memory: 3072 });
      await node.ready("server");
      expect(await versions()).toEqual([version, K3S]);
      await node.until("[ ! -e /k3os/system/trial.json ]", { timeout: 30 * MINUTE });
      const server = (field: string) => `sudo kubectl get node server -o jsonpath='{${field}}'`;
      // the controller writes it when the job of the new versions has ended
      await node.until(`[ -n "$(${server(".metadata.labels.plan\\.upgrade\\.cattle\\.io/k3os-latest")})" ]`);
      await node.until(`[ "$(${server(".kind}{.spec.unschedulable")})" = Node ]`);
      const { status } = JSON.parse(await node.kubectl("get node server -o json"));
      expect(status.nodeInfo).toMatchObject({ kubeletVersion: K3S, osImage: `k3OS ${version}` });
      expect(await node.kubectl("get configmap kept -o jsonpath={.data.made}")).toBe("before");
      expect(await node.kubectl("get pods -o name")).not.toContain("evicted");
      expect(JSON.parse(await node.run("sudo k3os status --json")).failed).toEqual([]);
    },
    120 * MINUTE,
  );

  test("keeps what kubectl has changed in the Plan", async () => {
    const plan = JSON.parse(await inNamespace("get plan k3os-latest -o json"));
    expect(plan.spec.channel).toBeUndefined();
    expect(plan.spec.version).toBe(version);
  });
});
