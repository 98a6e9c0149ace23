// Read {"messages", "send_at"} from standard input, line by line, and add this number of jobs.
const readline = require("readline");
const { Queue } = require("bullmq");

const AT_ONCE = 1000;
const queue = new Queue("mail", { connection: { path: process.env.REDIS_SOCKET } });

async function main() {
  await queue.waitUntilReady();
  console.log("ready");
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { messages, send_at } = JSON.parse(line);
    for (let first = 0; first < messages; first += AT_ONCE) {
      const jobs = [];
      for (let n = first; n < Math.min(first + AT_ONCE, messages); n++) {
        jobs.push({
          name: "send",
          data: { n },
          opts: { delay: Math.max(0, send_at * 1000 - Date.now()), removeOnComplete: true },
        });
      }
      await queue.addBulk(jobs);
    }
    console.log("scheduled");
  }
}

main();
