// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The text of a local cluster's Slurm configuration. Pure: the same plan gives the same files.
///
/// What the settings are for stands in docs/local-cluster.md.
struct SlurmFiles: Equatable {
    /// How submission to `gpu` and GPUs on `debug` are bounded.
    enum Boundary: Equatable {
        /// Before the accounting is set up: nobody submits to `gpu`.
        case closed
        /// Submissions to `gpu` come from this host alone, in the spelling that this Slurm uses.
        case host(String)
    }

    var cluster: ClusterName
    var template: ClusterTemplate
    var controller: ClusterRecord.Container
    var nodes: [ClusterRecord.Container]

    /// The QOS of the partition `debug`: no GPUs there, though its nodes have some. Slurm would otherwise give them to
    /// whoever asks on `debug`, past the accounts of `gpu`.
    static let debugQOS = "sally-debug"
    static let deviceFolder = "/run/sallyport-gpu"

    func slurmConf(_ boundary: Boundary) -> String {
        let gpuNodes = Set(template.gpuNodeNames)
        var lines = [
            "ClusterName=\(cluster)",
            "SlurmctldHost=\(controller.hostname)(\(controller.address))",
            "SlurmUser=slurm",
            "AuthType=auth/munge",
            "AuthAltTypes=auth/jwt",
            "AuthAltParameters=\(keyParameter),disable_token_creation",
            "StateSaveLocation=/var/spool/slurmctld",
            "SlurmdSpoolDir=/var/spool/slurmd",
            "SlurmctldPidFile=/run/slurmctld/slurmctld.pid",
            "SlurmdPidFile=/run/slurmd.pid",
            "AccountingStorageType=accounting_storage/slurmdbd",
            "AccountingStorageHost=\(controller.hostname)",
            "AccountingStorageEnforce=associations,limits,qos,safe",
            "AccountingStoreFlags=job_comment",
            "EnforcePartLimits=ALL",
            "PrivateData=jobs,users,accounts,usage",
            "ProctrackType=proctrack/linuxproc",
            "TaskPlugin=task/none",
            "JobAcctGatherType=jobacct_gather/none",
            "SelectType=select/cons_tres",
            "SelectTypeParameters=\(limitsMemory ? "CR_Core_Memory" : "CR_Core")",
            "SlurmdParameters=config_overrides",
            "MpiDefault=none",
            "MailProg=/bin/true",
            "PropagateResourceLimits=NONE",
            "ReturnToService=2",
            "JobRequeue=1",
            "MinJobAge=300",
            "MaxJobCount=50000",
            "SlurmctldTimeout=30",
            "SlurmdTimeout=60",
        ]
        if !template.gpusPerNode.isEmpty {
            lines.append("GresTypes=gpu")
            lines.append(
                "AccountingStorageTRES="
                    + (["gres/gpu"] + template.gpusPerNode.map { "gres/gpu:\($0.type)" }).joined(separator: ","))
        }
        if let usual = template.defaultMemoryPerCPU { lines.append("DefMemPerCPU=\(usual.rawValue)") }
        if let most = template.maximumMemoryPerCPU { lines.append("MaxMemPerCPU=\(most.rawValue)") }
        for node in nodes {
            let gres = gpuNodes.contains(node.hostname) ? " Gres=\(gres)" : ""
            lines.append(
                "NodeName=\(node.hostname) NodeAddr=\(node.address) \(cpus) "
                    + "RealMemory=\(template.memoryPerNode.rawValue)\(gres) State=UNKNOWN")
        }
        var debug =
            "PartitionName=debug Nodes=\(list(template.nodeNames)) Default=YES DefaultTime=10 MaxTime=1-00:00:00 State=UP"
        if !gpuNodes.isEmpty, boundary != .closed { debug += " QOS=\(SlurmFiles.debugQOS)" }
        lines.append(debug)
        if !gpuNodes.isEmpty {
            // Never a host's name: underscores are none (RFC 952).
            let host = if case .host(let name) = boundary { name } else { "not_yet_known" }
            lines.append(
                "PartitionName=gpu Nodes=\(list(template.gpuNodeNames)) "
                    + "AllowAccounts=\(template.gpuAccounts.map(\.rawValue).joined(separator: ",")) "
                    + "AllocNodes=\(host) DefaultTime=10 MaxTime=1-00:00:00 State=UP")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Of a plain template each CPU is a socket of its own, which is how slurm.conf(5) reads CPUs alone.
    private var cpus: String {
        let all = "CPUs=\(template.cpusPerNode)"
        guard template.threadsPerCore > 1 else { return all }
        let cores = template.cpusPerNode / template.threadsPerCore
        let sockets = cores.isMultiple(of: 2) ? 2 : 1
        return "\(all) Sockets=\(sockets) CoresPerSocket=\(cores / sockets) ThreadsPerCore=\(template.threadsPerCore)"
    }

    /// Then memory is given as CPUs are; otherwise it is only written down.
    private var limitsMemory: Bool { template.defaultMemoryPerCPU != nil || template.maximumMemoryPerCPU != nil }

    /// slurmdbd reads its own file for PrivateData and keys. The database is reached over its socket as the OS user
    /// slurm, so there is no password.
    var slurmdbdConf: String {
        """
        AuthType=auth/munge
        AuthAltTypes=auth/jwt
        AuthAltParameters=\(keyParameter)
        DbdHost=\(controller.hostname)
        DbdAddr=\(controller.address)
        SlurmUser=slurm
        StorageType=accounting_storage/mysql
        StorageHost=localhost
        StorageUser=slurm
        StorageLoc=slurm_acct_db
        PidFile=/run/slurmdbd/slurmdbd.pid
        PrivateData=jobs,users,accounts,usage

        """
    }

    /// One line for each GPU, with a file that sally-node makes.
    var gresConf: String {
        template.gpuNodeNames.flatMap { node in
            template.gpusPerNode.flatMap { gpu in
                (0..<gpu.count).map {
                    "NodeName=\(node) Name=gpu Type=\(gpu.type) File=\(SlurmFiles.deviceFolder)/\(gpu.type)-\($0)\n"
                }
            }
        }.joined()
    }

    private var gres: String { template.gpusPerNode.map { "gpu:\($0.type):\($0.count)" }.joined(separator: ",") }

    private var keyParameter: String {
        switch template.release.tokenAlgorithm {
        case .hs256: "jwt_key=/etc/slurm/jwt_hs256.key"
        // Alone: a jwt_key beside it would switch HS256 on again (slurm.conf(5) AuthAltParameters).
        case .rs256: "jwks=/etc/slurm/jwks.json"
        }
    }

    private func list(_ names: [NodeName]) -> String { names.map(\.rawValue).joined(separator: ",") }
}
