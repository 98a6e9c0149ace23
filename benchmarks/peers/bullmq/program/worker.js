// Run one worker process.
const fs = require("fs");
const { Worker } = require("bullmq");
const nodemailer = require("nodemailer");

const letter = JSON.parse(process.env.LETTER);
const transport = nodemailer.createTransport({
  host: "127.0.0.1",
  port: Number(process.env.SMTP_PORT),
  secure: false,
  pool: true,
  maxConnections: 20,
  maxMessages: Infinity,
});

const fill = (text, n) => text.replaceAll("-name-", `Name ${n}`).replaceAll("-n-", n);

async function send(job) {
  const { n } = job.data;
  await transport.sendMail({
    from: letter.from,
    to: `r${n}@bench.example`,
    subject: fill(letter.subject, n),
    text: fill(letter.text, n),
    html: fill(letter.html, n),
  });
}

const connection = { path: process.env.REDIS_SOCKET, maxRetriesPerRequest: null };
const worker = new Worker("mail", send, { connection, concurrency: 200 });
worker.waitUntilReady().then(() => fs.writeFileSync(process.env.READY_FILE, ""));
process.on("SIGTERM", () => process.exit(0));
