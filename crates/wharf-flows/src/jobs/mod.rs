//! Jobs: thin shells over flows, one file each, registered in one line. Payload = ids only; old payloads stay readable.
