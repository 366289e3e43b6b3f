// SPDX-License-Identifier: Apache-2.0

/// Functions for a lock where a QOS overrules the association, and for the user's scrontab(1).
///
/// Observed on 22.05.8 and 24.11.5: a QOS of the job or of the partition with MaxSubmitJobsPerUser or -PerAccount of its
/// own overrules the association's MaxSubmitJobs, one with GrpSubmitJobs overrules GrpSubmitJobs; one with both lets a
/// locked user submit. A QOS with zeros and OverPartQOS, as the association's only one, overrules both, and jobs that
/// run go on. Jobs that wait in another QOS wait until unlock (InvalidQOS).
enum QOSScript {
    static let library = #"""
        lock_qos=sallyport-locked
        # QOS that let somebody submit whatever the association says.
        loose_qos() {
            local all
            all=$(soon sacctmgr -nP show qos format=name,grpsubmit,maxsubmitjobsperuser,maxsubmitjobsperaccount) || return
            awk -F'|' '$2 != "" && $2 != 0 && ($3 != "" || $4 != "") && ($3 == "" || $3 != 0) && ($4 == "" || $4 != 0) { print $1 }' <<<"$all"
        }
        # lock_qos NAME CLUSTER ENFORCED: leaves in $barrier why the limit does not hold, empty when it does.
        lock_qos() {
            local name=$1 cluster=$2 enforced=$3 loose have reach said file=$state/locked/$1.qos
            barrier=
            loose=$(loose_qos) && have=$(soon sacctmgr -nP show assoc where user="$name" cluster="$cluster" format=account,partition,qos,defaultqos) &&
                reach=$(soon scontrol show partition -a -o) || { barrier="QOS and partitions cannot be read"; return; }
            reach=$(sed -n 's/.* QoS=\([^ ]*\).*/\1/p' <<<"$reach"; cut -d'|' -f3 <<<"$have" | tr ',' '\n')
            reach=$(grep -xF -- "$loose" <<<"$reach" | grep . | sort -u | tr '\n' ' ')
            [ -n "$reach" ] || [ -e "$file" ] || return
            [ -z "$reach" ] || grep -qwE 'qos|all' <<<"$enforced" || {
                barrier="QOS ${reach% } has submission limits of its own, and AccountingStorageEnforce of slurm.conf has no qos"
                return
            }
            soon sacctmgr -i add qos "$lock_qos" >/dev/null 2>&1
            soon sacctmgr -i modify qos where name="$lock_qos" set description="accounts that are locked" grpsubmitjobs=0 \
                maxsubmitjobsperuser=0 maxsubmitjobsperaccount=0 flags=OverPartQOS >/dev/null 2>&1
            said=$(soon sacctmgr -nP show qos where name="$lock_qos" format=grpsubmit,maxsubmitjobsperuser,maxsubmitjobsperaccount,flags)
            [ "$said" = '0|0|0|OverPartQOS' ] || { barrier="QOS $lock_qos cannot be made: $said"; return; }
            # What an earlier lock set is nothing to give back.
            [ -e "$file" ] || ! grep -qv "|$lock_qos|$lock_qos\$" <<<"$have" || { printf '%s\n' "$have" >"$file.new" && mv -fT "$file.new" "$file"; } ||
                { barrier="$file cannot be written"; return; }
            soon sacctmgr -i modify user where name="$name" cluster="$cluster" set qos="$lock_qos" defaultqos="$lock_qos" >/dev/null 2>&1
            said=$(soon sacctmgr -nP show assoc where user="$name" cluster="$cluster" format=qos,defaultqos | sort -u)
            [ "$said" = "$lock_qos|$lock_qos" ] || barrier="QOS ${reach% } has submission limits of its own and could not be taken away"
        }
        # What the account has is inherited again, not written down.
        unlock_qos() {
            local name=$1 cluster=$2 account partition list default inherited file=$state/locked/$1.qos
            [ -e "$file" ] || return 0
            while IFS='|' read -r account partition list default; do
                inherited=$(sacctmgr -nP show assoc where account="$account" cluster="$cluster" format=user,qos |
                    awk -F'|' '$1 == "" { print $2; exit }')
                [ "$list" != "$inherited" ] || list=
                sacctmgr -i modify user where name="$name" cluster="$cluster" account="$account" \
                    ${partition:+partition="$partition"} set qos="$list" defaultqos="${default:--1}" >/dev/null 2>&1
            done <"$file"
            all_in "$file" "$(sacctmgr -nP show assoc where user="$name" cluster="$cluster" format=account,partition,qos,defaultqos)" &&
                rm -f "$file"
        }
        # all_in FILE TEXT: every line of the file is a line of the text; what came since the lock is nothing of ours.
        all_in() {
            local line
            while IFS= read -r line; do grep -qxF -- "$line" <<<"$2" || return 1; done <"$1"
        }

        # The table goes first: Slurm refuses to change jobs that a table has, and to requeue them no more is what comes
        # next. What runs of it goes on (24.11.5, observed).
        slurm_scrontab() {
            local name=$1 said file=$state/locked/$1.scrontab
            if ! has_scrontab "$name"; then
                report scrontab skipped "no scrontab here"
                return
            fi
            if ! said=$(soon scrontab -u "$name" -l 2>&1); then
                case $said in
                'no crontab for '*) report scrontab unchanged "there is none" ;;
                *) report scrontab failed "$said" ;;
                esac
                return
            fi
            [ ! -e "$file" ] || file+=-later
            printf '%s\n' "$said" >"$file.new" && mv -fT "$file.new" "$file" || { report scrontab failed "$file cannot be written"; return; }
            soon scrontab -u "$name" -r >/dev/null 2>&1
            case $(soon scrontab -u "$name" -l 2>&1) in
            'no crontab for '*) report scrontab done "moved aside; what runs of it goes on" ;;
            *) report scrontab failed "it cannot be removed" ;;
            esac
        }
        has_scrontab() {
            command -v scrontab >/dev/null && getent passwd "$1" >/dev/null &&
                soon scontrol show config | sed -n 's/^ScronParameters *= *//p' | grep -qw enable
        }
        slurm_unscrontab() {
            local name=$1 said file=$state/locked/$1.scrontab
            [ -e "$file" ] || return 0
            case $(soon scrontab -u "$name" -l 2>&1) in
            'no crontab for '*) ;;
            *) report scrontab failed "$name has another one by now; the older is $file"; return ;;
            esac
            if said=$(soon scrontab -u "$name" "$file" 2>&1); then
                rm -f "$file" "$file-later"
                report scrontab done "as before"
            else
                report scrontab failed "$said"
            fi
        }

        """#
}
