// SPDX-License-Identifier: Apache-2.0

/// What a submission or update can say, piece by piece: some fields of a request are several of Slurm's.
enum DescriptionKey: Hashable, Sendable, CaseIterable {
    case script, name, arguments, partition, account, qos, reservation
    case nodes, minimumNodes, maximumNodes, tasks, tasksPerNode, tasksPerSocket, cpusPerTask, cpusPerNode
    case memoryPerNode, memoryPerCPU, disk
    case gpus, gpusPerNode, gpusPerTask, gres, tresPerJob, tresPerNode, tresPerTask
    case cpusPerGPU, cpusPerTRES, memoryPerGPU, memoryPerTRES
    case timeLimit, timeMinimum, array, dependency, begin, beginRelative
    case workingDirectory, standardOutput, standardError, standardInput, openMode, openModeWords
    case environment, comment, requeue, noRequeue, hold, priority, nice
    case constraint, preferred, requiredNodes, excludedNodes, exclusive, shared, contiguous, switches, switchWait
    case killOnInvalidDependency, flags, noKill, killOnNodeFail
    case mail, signal, signalName, signalSeconds, signalFlags
}
