# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks boot: launches of manifests, made by the product's own tools."""
import json
import subprocess


def run_tool(*command):
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL)


def build_launch(build, work, name, manifest):
    """The folder that `gantry build` of the build tree `build` makes of the manifest, a dict: work/name."""
    path = work / f"{name}.json"
    path.write_text(json.dumps(manifest))
    run_tool(build / "bin" / "gantry", "build", path, "-o", work / name)
    return work / name
