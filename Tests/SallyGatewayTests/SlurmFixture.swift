// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import SlurmTestSupport

/// What the cluster of the tests has.
let testPartitions: [Partition] = [
    Partition(name: "debug", isDefault: true, totalNodes: 2, totalCPUs: 8, totalMemory: Memory(mebibytes: 8192)),
    Partition(name: "gpu", isDefault: false, totalNodes: 1, totalCPUs: 4, totalMemory: Memory(mebibytes: 4096)),
]

/// Each with all that its partition has, and GPUs that nobody can read: nothing is known of one node.
let testNodes: [Node] = Node.samples(of: testPartitions)

/// A job that policy allows.
let goodJob = ##"{"job_name": "hello", "partition": "debug", "script": "#!/bin/sh\necho hello\n"}"##
/// A job that no rule grants.
let gpuJob = ##"{"job_name": "hello", "partition": "gpu", "script": "#!/bin/sh\necho hello\n"}"##
