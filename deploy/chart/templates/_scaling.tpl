{{- /*
What KEDA's Kafka trigger is told: how it reaches the brokers and logs in there follows from config.kafka, and autoscaling.metadata wins.
KEDA connects by itself: it has neither the environment nor the files of the pods, so references mean nothing to it.
*/ -}}

{{- define "firn.triggerMetadata" -}}
{{- $kafka := .Values.config.kafka | default dict -}}
{{- $metadata := dict "bootstrapServers" (join "," $kafka.brokers) "consumerGroup" ($kafka.group | default "firn") "offsetResetPolicy" "earliest" -}}
{{- $_ := set $metadata "lagThreshold" (int64 .Values.autoscaling.lagThreshold | toString) -}}
{{- with $kafka.sasl -}}
{{- $modes := dict "plain" "plaintext" "scram-sha-256" "scram_sha256" "scram-sha-512" "scram_sha512" "oauthbearer" "oauthbearer" "aws-msk-iam" "oauthbearer" -}}
{{- $_ := set $metadata "sasl" (get $modes .mechanism) -}}
{{- if eq .mechanism "aws-msk-iam" -}}
{{- $_ := set $metadata "saslTokenProvider" "aws_msk_iam" -}}
{{- $_ := set $metadata "awsRegion" .region -}}
{{- end -}}
{{- end -}}
{{- if include "firn.isTls" . }}{{ $_ := set $metadata "tls" "enable" }}{{ end -}}
{{- merge (deepCopy .Values.autoscaling.metadata) $metadata | toYaml -}}
{{- end -}}

{{- define "firn.problems.scaling" -}}
{{- with .Values.autoscaling -}}
{{- if .enabled -}}
{{- $kafka := $.Values.config.kafka | default dict -}}
{{- if gt (int64 .minReplicas) (int64 .maxReplicas) }}
autoscaling.minReplicas, {{ .minReplicas }}, is above autoscaling.maxReplicas, {{ .maxReplicas }}
{{- end -}}
{{- $metadata := include "firn.triggerMetadata" $ | fromYaml -}}
{{- if and ($kafka.sasl).tokenFile (not (hasKey .metadata "sasl")) }}
autoscaling: KEDA reads no config.kafka.sasl.tokenFile; write its own login, sasl and what goes with it, in autoscaling.metadata
{{- end -}}
{{- if and (or $kafka.cert (ne ($metadata.sasl | default "none") "none")) (not .authenticationRef) }}
autoscaling.authenticationRef is needed, a TriggerAuthentication: KEDA logs in at the brokers itself
{{- end -}}
{{- range $name, $value := $metadata -}}
{{- if regexMatch "[$][{]|^file:" $value }}
autoscaling: KEDA follows no references; write its {{ $name }} in autoscaling.metadata
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
