"""What the runtimes share: the session around a call, the network as others take it, the proof of equality."""
