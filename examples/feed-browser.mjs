import { connectShared, isEvent } from "orchestra-otel/client";

const list = document.querySelector("#jobs");
const rows = new Map();

function show({ jobId, workerId, status }) {
  const row = rows.get(jobId) ?? list.appendChild(document.createElement("li"));
  row.textContent = `${workerId} ${status}`;
  rows.set(jobId, row);
}

connectShared({
  url: list.dataset.bridge,
  workerUrl: "/feed-worker.js",
  onSnapshot: ({ jobs }) => {
    list.replaceChildren();
    rows.clear();
    for (const job of jobs) show(job);
  },
  onEvent: (event) => {
    if (isEvent(event, "orchestra.job.created", "orchestra.job.completed", "orchestra.job.failed")) {
      show(event.data);
    }
  },
  onState: ({ state }) => {
    document.title = state;
  },
});
