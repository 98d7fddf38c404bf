"""Asks AWS, or what plays it, as the stories do where HTTP does not reach.

    ask.py SERVICE OPERATION JSON    for example: ask.py sqs send_message '{"QueueUrl": …}'
"""

import json
import sys

import boto3

service, operation, arguments = sys.argv[1:]
answer = getattr(boto3.client(service), operation)(**json.loads(arguments))
json.dump(answer, sys.stdout, default=str)
