{{- /*
What of the configuration follows from other values: the memory budget from a memory limit, the grace period from the time that
leaving may take, the port from where the service listens.
*/ -}}

{{- /* MiB of a quantity such as 1Gi or 1.5G */ -}}
{{- define "firn.mebibytes" -}}
{{- $number := regexFind "^[0-9.]+(e[+][0-9]+)?" (toString .) -}}
{{- $unit := trimPrefix $number (toString .) -}}
{{- $factors := dict "" 9.5367431640625e-7 "k" 9.5367431640625e-4 "M" 0.95367431640625 "G" 953.67431640625 "T" 953674.31640625 "Ki" 9.765625e-4 "Mi" 1.0 "Gi" 1024.0 "Ti" 1048576.0 -}}
{{- if not (and $number (hasKey $factors $unit)) -}}
{{- fail (printf "%v is no size such as 1Gi or 768Mi" .) -}}
{{- end -}}
{{- mulf (float64 $number) (get $factors $unit) | floor | int64 -}}
{{- end -}}

{{- /* MiB of a setting such as 128MiB or 1GiB; nothing where it is a reference, or not set */ -}}
{{- define "firn.settingMebibytes" -}}
{{- if regexMatch "^[0-9]" . }}{{ include "firn.mebibytes" (. | replace "iB" "i" | replace "B" "") }}{{ end -}}
{{- end -}}

{{- /* whole seconds of a setting such as 20s or 1m */ -}}
{{- define "firn.seconds" -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- mulf (float64 (trimSuffix $unit .)) (get (dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0) $unit) | ceil | int64 -}}
{{- end -}}

{{- /*
The most that a memory limit leaves to buffer, in MiB; nothing without a limit. 256 MiB are Node's and its clients' own; of the rest one
half is buffered and in flight, and the other one is what encoding takes and what is not collected yet.
*/ -}}
{{- define "firn.budget" -}}
{{- with (.limits).memory -}}
{{- div (sub (include "firn.mebibytes" . | int64) 256) 2 -}}
{{- end -}}
{{- end -}}

{{- /*
The memory budget for a container's resources, where config.ingest.memory is not set, or is more than they leave: a Job has another
limit than an ingester.
*/ -}}
{{- define "firn.memory" -}}
{{- $ingest := .root.Values.config.ingest | default dict -}}
{{- $budget := include "firn.budget" .resources -}}
{{- $set := include "firn.settingMebibytes" ($ingest.memory | default "") -}}
{{- if and $budget (or (not $ingest.memory) (and $set (gt (int64 $set) (int64 $budget)))) -}}
{{- printf "%vMiB" $budget -}}
{{- end -}}
{{- end -}}

{{- define "firn.graceSeconds" -}}
{{- $leave := include "firn.seconds" ((.Values.config.ingest).leaveTimeout | default "20s") | int64 -}}
{{- $grace := .Values.terminationGracePeriodSeconds -}}
{{- if kindIs "invalid" $grace -}}
{{- add $leave 25 -}}
{{- else if lt (int64 $grace) (add $leave 5) -}}
{{- fail (printf "terminationGracePeriodSeconds is %v: it must be 5 s more than config.ingest.leaveTimeout, %d s, at the least" $grace $leave) -}}
{{- else -}}
{{- int64 $grace -}}
{{- end -}}
{{- end -}}

{{- define "firn.port" -}}
{{- .Values.config.status.listen | splitList ":" | last -}}
{{- end -}}

{{- /* firn.yaml: what is written in config, without sections that are empty */ -}}
{{- define "firn.config" -}}
{{- $config := dict -}}
{{- range $section, $settings := deepCopy .Values.config -}}
{{- if $settings }}{{ $_ := set $config $section $settings }}{{ end -}}
{{- end -}}
{{- with include "firn.memory" (dict "root" . "resources" .Values.resources) -}}
{{- $_ := set $config "ingest" (merge (dict "memory" .) ($config.ingest | default dict)) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}
