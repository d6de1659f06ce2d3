//! Per shop and hour: the channel's count beside ours; parked payloads.
