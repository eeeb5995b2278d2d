"""The scripts of a folder in the order in which schemachange would deploy them, as JSON: by schemachange's own code, which
also refuses names that it cannot read, and versions that come twice."""

import json
import sys
from pathlib import Path

from schemachange.session.Script import get_all_scripts_recursively
from schemachange.version import sorted_alphanumeric

scripts = get_all_scripts_recursively(root_directory=Path(sys.argv[1]))
names = [name for kind in "vra" for name in sorted_alphanumeric([name for name in scripts if name[0] == kind])]
print(json.dumps([scripts[name].name for name in names]))
