// SPDX-License-Identifier: Apache-2.0

/// Functions, beside those of `ScriptParts`, that end what a user runs on a machine outside of running Slurm jobs: logins, what they left behind, the
/// user's own service manager. What belongs to a running job goes on.
///
/// A process belongs to a job when a slurmstepd of root's is above it, when slurmd lists it (`scontrol listpids`), or
/// when it is in a job's control group at the place where Slurm makes them (v1 and v2, cgroup.conf(5)), which a user's
/// own delegated groups are never.
///
/// Where Slurm tracks by something else than control groups it does not know a job's process whose parent has gone, and
/// anybody can write SLURM_JOB_ID into an environment. Such a claim is heard only for a job of the user that slurmctld
/// has running and slurmd has here. It is true when the process is in the session (setsid(2)) of a process that slurmd
/// lists, or in a slurmstepd's control group, neither of which can be entered from outside. It is false when the
/// slurmsteps have a control group of their own and the process is in another one: where systemd makes them, a login's
/// always is. What is neither is spared and said, and the step has failed: locking again when the job has ended ends it.
///
/// What got no answer in time is not known, and nobody dies of it: a process that may be a job's is looked at again, and after
/// the last look it is spared and said, and the step has failed. That is so only while the user has a job here of which root's
/// own slurmstepd, its control group or slurmd tells, and where control groups do not speak against it, answer or not: whoever
/// keeps us from being answered gains what a false claim gains, until the job's end. Without such a job nothing is spared.
///
/// A process is its pid and its start (proc_pid_stat(5), field 22): that of what was judged is compared before every
/// signal. All are stopped before any is killed, so that a stopped one keeps its pid and makes no other.
///
/// Who forks and ends faster than /proc is read is in no list of processes. So where the user has no job on the machine each
/// look begins with kill(-1, SIGSTOP) under the user's uid, which the kernel delivers to all of them and to no fork between.
/// Where there is a job it is not stopped for even a moment: whoever could hide there can as well run in the job. Processes
/// under subordinate uids are out of that signal's reach.
enum SessionScript {
    static let library = processes + ending

    private static let ending = #"""
        # Seconds of the script's time after which no more is looked for; slurm_requeue comes afterwards (SlurmScript).
        sessions_until=40
        # look UID: leaves in $found, as PID:BIRTH, what is outside of jobs, in $open what only an open claim spares, in
        # $unsure how many were there that came or went meanwhile or could not be read, in $unheard of how many of these it was
        # asked in vain whether they are a job's, in $late that time has run out, in $working that a job of the user's is here.
        # The start is read before anything is judged and again afterwards: what was judged is that process.
        look() {
            local uid=$1 pid job verdict listed sids known blind outside
            local -A begun=()
            found=() open=() unsure=0 unheard=0 late= working=
            for pid in $(people "$uid" "" all); do
                [ "$SECONDS" -lt "$sessions_until" ] || { late=1; return; }
                [ "$pid" != unread ] || continue
                born "$pid"
                begun[$pid]=$birth
            done
            slurm_view "$uid"
            outside=$(people "$uid" "$listed")
            for pid in "${!begun[@]}"; do
                case $'\n'$outside$'\n' in *$'\n'"$pid"$'\n'*) continue ;; esac
                born "$pid"
                [ -z "$birth" ] || [ "$run" = Z ] || [ "$birth" != "${begun[$pid]}" ] || working=1
            done
            # Without a job here there is nothing that slurmd could have told.
            if [ -n "$blind" ] && [ -z "$working" ]; then
                for pid in $outside; do
                    ! in_job_group "$pid" || working=1
                done
                blind=$working
            fi
            for pid in $outside; do
                [ "$SECONDS" -lt "$sessions_until" ] || { late=1; return; }
                [ "$pid" != unread ] || { unsure=$((unsure + 1)); continue; }
                if in_job_group "$pid"; then
                    working=1
                    continue
                fi
                job= verdict=false
                if [ -n "$blind" ]; then
                    verdict=$(weigh "$pid")
                    [ "$verdict" != open ] || verdict=unheard
                elif [ -n "$known" ]; then
                    if job=$(claimed_job "$uid" "$pid"); then
                        case " $known " in *" ${job:-none} "*) verdict=$(weigh "$pid") ;; esac
                    else
                        verdict=$(weigh "$pid")
                        [ "$verdict" != open ] || verdict=unheard
                    fi
                fi
                born "$pid"
                if [ -z "$birth" ] || [ "$birth" != "${begun[$pid]-}" ]; then
                    unsure=$((unsure + 1))
                    continue
                fi
                case $verdict in
                true) working=1 ;;
                open) working=1 open+=("$pid (job $job)") ;;
                unheard) working=1 unsure=$((unsure + 1)) unheard=$((unheard + 1)) ;;
                *) found+=("$pid:$birth") ;;
                esac
            done
            for pid in $listed; do
                born "$pid"
                [ -z "$birth" ] || [ "$birth" = "${begun[$pid]}" ] || unsure=$((unsure + 1))
            done
        }
        # end_found UID: stops what was found and what it has made meanwhile until there is no more, and kills it then.
        # What turns out to be a job's goes on.
        end_found() {
            local uid=$1 one more tries
            local -A stopped=() again=()
            for ((tries = 0; tries < 20; tries++)); do
                more=
                again=()
                for one in "${found[@]}"; do
                    again[$one]=1
                    [ -n "${stopped[$one]-}" ] || more=1
                    stopped[$one]=1
                done
                [ -n "$more" ] || [ "$unsure" -gt 0 ] || break
                hit STOP "${found[@]}"
                look "$uid"
                [ -z "$late" ] || break
            done
            for one in "${!stopped[@]}"; do
                if [ -n "$late" ] || [ -n "${again[$one]-}" ]; then
                    hit KILL "$one"
                    ended[$one]=1
                else
                    hit CONT "$one"
                fi
            done
        }
        end_sessions() {
            local name=$1 uid=$2 round session service tracking quiet=0 said left was spared=
            local sessions_until=$sessions_until late= unsure=0 unheard=0 birth sid run frozen= iced= working=1
            local -a found=() open=()
            local -A ended=() resting=()
            if ! is_ours "$name" "$uid"; then
                report sessions skipped "$name with uid $uid is not on this machine"
                return
            fi
            if [ -d /run/systemd/system ] && command -v loginctl >/dev/null; then
                briefly loginctl disable-linger "$name" >/dev/null 2>&1
                for session in $(briefly loginctl list-sessions --no-legend 2>/dev/null | awk -v uid="$uid" '$2 == uid { print $1 }'); do
                    # slurm.conf's UsePAM makes a session of a job. What is in one of which it is not known is looked at below.
                    service=$(briefly loginctl show-session "$session" --property=Service --value 2>/dev/null) ||
                        ! unanswered "$?" || continue
                    [ "$service" = slurm ] || briefly loginctl terminate-session "$session" >/dev/null 2>&1
                done
            fi
            tracking=$(briefly scontrol show config 2>/dev/null | sed -n 's/^ProctrackType *= *//p')
            # What is frozen goes on however this ends.
            was=$(trap -p EXIT)
            trap thaw EXIT
            # Nothing twice in a row: what is under a subordinate uid may have hidden from one look.
            for ((round = 0; round < 20 && quiet < 2; round++)); do
                [ "$round" -eq 0 ] || sleep 0.1
                iced=
                [ -n "$working" ] || freeze "$uid"
                look "$uid"
                if [ "${#found[@]}" -gt 0 ]; then
                    quiet=0
                    end_found "$uid"
                    thaw
                    [ -z "$late" ] || break
                    continue
                fi
                thaw
                [ -z "$late" ] || break
                if [ "$unsure" -gt 0 ] || [ -z "$working$iced" ]; then
                    quiet=0
                else
                    quiet=$((quiet + 1))
                fi
            done
            eval "${was:-trap - EXIT}"
            if [ "$quiet" -lt 2 ]; then
                sessions_until=$((SECONDS + 3))
                look "$uid"
            fi
            left=$((${#found[@]} + unsure)) said="${#ended[@]} processes of $name outside of jobs ended"
            [ "$unheard" -eq 0 ] || spared=", $unheard of them spared because nobody said in time whether they are a job's"
            if [ "$quiet" -lt 2 ]; then
                report sessions failed "$said; $left seen at the end of the time are still there$spared${late:+, and not all could be looked at}; lock again"
            elif [ "${#open[@]}" -gt 0 ]; then
                report sessions failed "$said; spared for a job that runs here, which nothing but their environment confirms: ${open[*]:0:8}; ${#open[@]} in all; lock again when it has ended"
            elif [ "${#ended[@]}" -gt 0 ]; then
                report sessions done "$said"
            else
                report sessions unchanged "$name runs nothing outside of jobs"
            fi
        }

        """#
}
