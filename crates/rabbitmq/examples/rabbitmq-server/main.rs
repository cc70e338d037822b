//! A stand-in for a RabbitMQ server.

fn main() {}
