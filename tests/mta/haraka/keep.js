// Take every recipient, and keep each message as a file: complete in `new` before the client hears that it is taken.
'use strict'

const fs = require('node:fs')
const path = require('node:path')

exports.register = function () {
  this.register_hook('rcpt', 'take')
  this.register_hook('queue', 'keep')
}

exports.take = (next) => next(OK)

exports.keep = (next, connection) => {
  const { uuid, message_stream } = connection.transaction
  const unfinished = path.join(process.env.MAILBOX, 'tmp', uuid)
  const complete = path.join(process.env.MAILBOX, 'new', uuid)
  const file = fs.createWriteStream(unfinished)
  file.on('error', () => next(DENYSOFT))
  file.on('finish', () => fs.rename(unfinished, complete, (error) => next(error ? DENYSOFT : OK)))
  message_stream.pipe(file)
}
