import { expect, test } from "bun:test";
import { findIdlePods, type Pod } from "../../../lib/inspect/idle-pods.ts";

const NOW = Date.parse("2026-12-01T13:00:00Z");

function pod(name: string, status: Pod["status"], more: Partial<Pod["metadata"]> = {}): Pod {
  return {
    metadata: { name, creationTimestamp: "2026-12-01T12:00:00Z", ...more },
    ...(status && { status }),
  };
}

function waiting(reason: string): Pod["status"] {
  return { phase: "Pending", containerStatuses: [{ state: { waiting: { reason } } }] };
}

test("findIdlePods() finds what fails, and what takes too long", () => {
  const young = { creationTimestamp: "2026-12-01T12:59:00Z" };
  const pods = [
    pod("ready", { phase: "Running", conditions: [{ type: "Ready", status: "True" }] }),
    pod("unready", { phase: "Running", conditions: [{ type: "Ready", status: "False" }] }),
    pod("done", { phase: "Succeeded" }),
    pod("evicted", { phase: "Failed" }),
    pod("leaving", waiting("ContainerCreating"), { deletionTimestamp: "2026-12-01T12:59:00Z" }),
    pod("young", waiting("ContainerCreating"), young),
    pod("slow", waiting("ContainerCreating")),
    pod("without an image", waiting("ImagePullBackOff"), young),
    pod("unscheduled", { phase: "Pending" }),
  ];
  expect(findIdlePods(pods, NOW).map(({ metadata }) => metadata.name)).toEqual([
    "unready",
    "slow",
    "without an image",
    "unscheduled",
  ]);
});
