// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

extension ClusterHealth {
    /// Slurm accounts, the QOS of `debug`, and the service account: an operator that sees everything and can submit
    /// nothing, in an account of its own, because sacctmgr adds no user without one.
    func setUpAccounting(_ template: ClusterTemplate) async throws {
        let gpus = template.gpuNodes > 0 ? "yes" : "no"
        let arguments = [record.serviceAccount, SlurmFiles.debugQOS, gpus] + template.accounts.map(\.rawValue)
        let completion = try await script(
            """
            set -eu
            service=$1 qos=$2 gpus=$3
            shift 3
            for account in "$@"; do
                sacctmgr --immediate add account "$account" Description="$account" Organization=sallyport >/dev/null
            done
            sacctmgr --immediate add account "$service" Description=service Organization=sallyport \\
                MaxSubmitJobs=0 >/dev/null
            sacctmgr --immediate add user "$service" Account="$service" AdminLevel=Operator MaxSubmitJobs=0 >/dev/null
            if [ "$gpus" = yes ]; then
                sacctmgr --immediate add qos "$qos" MaxTRESPerJob=gres/gpu=0 Flags=DenyOnLimit >/dev/null
            fi
            """, arguments)
        guard completion.succeeded else {
            throw SallyError(
                .unavailable, "the accounting of cluster \(record.name) could not be set up",
                cause: completion.errorOutput)
        }
    }

    /// Makes every daemon read the files that were written meanwhile.
    func reconfigure() async throws {
        try await spread(on: Set(record.containers.map(\.name)))
        try await rereadFiles()
        try await waitForNodes()
    }
}
