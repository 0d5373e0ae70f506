/** What sends a first job to the bridge at `origin`: a shell command, a program, a request. */
export function firstCommands(origin: string, now: number) {
  const created = {
    version: 1,
    id: `first-${now}`,
    type: "orchestra.job.created",
    timestamp: now,
    data: {
      jobId: `first-${now}`,
      workerId: "me",
      revision: 0,
      startedAt: now,
      status: "running",
      message: "My first job",
      messageLength: 12,
    },
  };
  return {
    exec: `npx orchestra-otel exec --worker build --message "My first job" -- sleep 10`,
    code: [
      `import { startTelemetry, workerJobs } from "orchestra-otel";`,
      "",
      `const telemetry = await startTelemetry({ serviceName: "my-orchestrator" });`,
      "telemetry.observe(workerJobs);",
      `const job = workerJobs.create({ workerId: "coder", message: "My first job" });`,
      `workerJobs.updateProgress(job.id, { message: "working", percent: 40 });`,
    ].join("\n"),
    post: [
      `curl -X POST ${origin}/v1/events \\`,
      `  -H "Authorization: Bearer $ORCHESTRA_TOKEN" -H 'Content-Type: application/json' \\`,
      `  -d '${JSON.stringify(created)}'`,
    ].join("\n"),
  };
}
