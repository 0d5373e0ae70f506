const list = document.querySelector("#jobs");
const feed = new EventSource(`${list.dataset.bridge}/v1/events?type=orchestra.job.*`);

feed.addEventListener("orchestra.job.completed", ({ data, lastEventId }) => {
  const { jobId, durationMs } = JSON.parse(data).data;
  const row = list.appendChild(document.createElement("li"));
  row.textContent = `${jobId} took ${durationMs} ms (${lastEventId})`;
});
feed.addEventListener("orchestra.stream.resync", ({ data }) => {
  list.append(`events are missing here: ${JSON.parse(data).reason}`);
});
