"""`sam`, where another server plays AWS.

`sam delete` knows a nested template by an address that begins with https://s3, and stops at any other.
So nested templates are given the address that they would have on AWS; what plays AWS looks at bucket and
key. Nothing else differs.
"""

import sys

from samcli.cli.main import cli
from samcli.lib.package.s3_uploader import S3Uploader


def as_on_aws(self, key, version=None):
    address = f"https://s3.amazonaws.com/{self.bucket_name}/{key}"
    return f"{address}?versionId={version}" if version else address


S3Uploader.to_path_style_s3_url = as_on_aws

if __name__ == "__main__":
    sys.exit(cli())
