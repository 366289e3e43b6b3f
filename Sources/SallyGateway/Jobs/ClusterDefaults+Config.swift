// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SlurmModel

extension ClusterDefaults {
    /// What slurm.conf says and slurmrestd does not report.
    mutating func take(_ config: ClusterConfig) {
        jobDefaults = config.jobDefaults
        memoryLimits = config.memoryLimits
        wholeSockets = config.wholeSockets
        wholeNodes = config.wholeNodes
    }
}
