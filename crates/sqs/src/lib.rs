//! The two queues in Amazon SQS, and what Lambda hands over from them.
