"""Speech to text: microphone, voice activity, recogniser, streaming policy, transcript. Runs in a worker."""
