// SPDX-License-Identifier: Apache-2.0

/// Functions that end what a user runs on a machine outside of running Slurm jobs: logins, what they left behind, the
/// user's own service manager. What belongs to a running job goes on.
///
/// A process belongs to a job when a slurmstepd of root's is above it, when slurmd lists it (`scontrol listpids`), or
/// when it is in a job's control group at the place where Slurm makes them (v1 and v2, cgroup.conf(5)), which a user's
/// own delegated groups are never. Only where Slurm tracks by something else than control groups, so that it does not
/// know a job's process whose parent has gone, its SLURM_JOB_ID counts too, if that job of the user runs here: it is
/// able to do no more than that job is.
enum SessionScript {
    static let library = #"""
        # people UID LISTED: processes of the user, by any of their uids and his subordinate ones (subuid(5)), that have no
        # slurmstepd and no listed process above them; `unread` when the processes could not be read. A process whose first
        # thread has ended says Z and may run on with others.
        people() {
            local ranges
            ranges=$(awk -F: -v uid="$1" -v name="$(id -un "$1" 2>/dev/null)" \
                '$1 == uid || $1 == name { printf "%s-%s ", $2, $2 + $3 - 1 }' /etc/subuid 2>/dev/null)
            printf '%s\0' /proc/[0-9]*/status | xargs -0 cat 2>/dev/null | awk -v uid="$1" -v ranges="$ranges" -v listed=" $2 " '
                function his(id, i, n, range, ends) {
                    if (id == uid) return 1
                    n = split(ranges, range, " ")
                    for (i = 1; i <= n; i++) {
                        split(range[i], ends, "-")
                        if (id + 0 >= ends[1] + 0 && id + 0 <= ends[2] + 0) return 1
                    }
                    return 0
                }
                $1 == "Name:" { name = $2 }
                $1 == "State:" { state = $2 }
                $1 == "Pid:" { pid = $2; names[pid] = name; states[pid] = state }
                $1 == "PPid:" { parent[pid] = $2 }
                $1 == "Uid:" { real[pid] = $2; mine[pid] = his($2) || his($3) || his($4) || his($5) }
                $1 == "Threads:" { threads[pid] = $2 }
                END {
                    if (!(1 in real)) { print "unread"; exit }
                    for (pid in real) {
                        if (!mine[pid] || (states[pid] == "Z" && threads[pid] < 2)) continue
                        at = pid
                        for (depth = 0; depth < 500 && at in real; depth++) {
                            if (names[at] == "slurmstepd" && real[at] == 0 || index(listed, " " at " ")) break
                            at = parent[at]
                        }
                        if (depth == 500 || !(at in real)) print pid
                    }
                }'
        }
        in_job_group() {
            grep -qE '^[0-9]+:[^:]*:(/system\.slice/[^/]*slurmstepd\.scope|/slurm(_[^/]*)?/uid_[0-9]+)/job_[0-9]+(/|$)' \
                "/proc/$1/cgroup" 2>/dev/null
        }
        # outside UID LISTED JOBS: those of them that are in no job's control group, nor otherwise known as a job's.
        outside() {
            local uid=$1 listed=$2 jobs=$3 pid job
            for pid in $(people "$uid" "$listed"); do
                [ "$pid" != unread ] || { printf 'unread '; continue; }
                ! in_job_group "$pid" || continue
                if [ -n "$jobs" ]; then
                    # As the user: root in a container may not look into a process of theirs (CAP_SYS_PTRACE).
                    job=$(timeout -k 1 1 setpriv --reuid="$uid" --regid="$(stat -c %g "/proc/$pid" 2>/dev/null || echo "$uid")" \
                        --clear-groups --no-new-privs cat "/proc/$pid/environ" 2>/dev/null | tr '\0' '\n' |
                        sed -n 's/^SLURM_JOB_ID=//p' | head -n 1)
                    case " $jobs " in *" ${job:-none} "*) continue ;; esac
                fi
                printf '%s ' "$pid"
            done
        }
        # Stopped before they are killed, so that none of them makes another meanwhile.
        end_sessions() {
            local name=$1 uid=$2 pid rest all found more listed= jobs= count=0 round session service
            if ! is_ours "$name" "$uid"; then
                report sessions skipped "$name with uid $uid is not on this machine"
                return
            fi
            if [ -d /run/systemd/system ] && command -v loginctl >/dev/null; then
                timeout 10 loginctl disable-linger "$name" >/dev/null 2>&1
                for session in $(timeout 10 loginctl list-sessions --no-legend 2>/dev/null | awk -v uid="$uid" '$2 == uid { print $1 }'); do
                    # slurm.conf's UsePAM makes a session of a job.
                    service=$(timeout 10 loginctl show-session "$session" --property=Service --value 2>/dev/null)
                    [ "$service" = slurm ] || timeout 10 loginctl terminate-session "$session" >/dev/null 2>&1
                done
            fi
            if all=$(timeout 10 scontrol listpids 2>/dev/null); then
                while read -r pid rest; do
                    case $pid in '' | *[!0-9]* | 0) continue ;; esac
                    [ "$(stat -c %u "/proc/$pid" 2>/dev/null)" != "$uid" ] || listed+=" $pid"
                done <<<"$all"
            fi
            [ "$(timeout 10 scontrol show config 2>/dev/null | sed -n 's/^ProctrackType *= *//p')" = proctrack/cgroup ] ||
                jobs=$(timeout 10 squeue -h -a -t R,S,CG -w "$(uname -n | cut -d. -f1)" -o '%A %U' 2>/dev/null |
                    awk -v uid="$uid" '$2 == uid { printf "%s ", $1 }')
            for ((round = 0; round < 20; round++)); do
                found=$(outside "$uid" "$listed" "$jobs")
                [ -n "$found" ] || break
                kill -STOP $found 2>/dev/null
                more=$(outside "$uid" "$listed" "$jobs")
                kill -KILL $found $more 2>/dev/null
                [ "$round" -gt 0 ] || count=$(wc -w <<<"$found")
                [ "$SECONDS" -lt 45 ] || break
                sleep 0.1
            done
            found=$(outside "$uid" "$listed" "$jobs" | wc -w)
            if [ "$found" -gt 0 ]; then
                report sessions failed "$found processes of $name outside of jobs are still there; lock again"
            elif [ "$count" -gt 0 ]; then
                report sessions done "$count processes of $name outside of jobs ended"
            else
                report sessions unchanged "$name runs nothing outside of jobs"
            fi
        }

        """#
}
