{{- /*
The one pod that all workloads are made of: an ingester, a Job, the test. Handed in: `root`, `component`, `args`, `resources`,
and where they differ from an ingester's, `login` (owner or operator), `restartPolicy`, `labels`; `serving` adds port and probes.
No pod talks to Kubernetes, so none has a token: a role for S3 comes by a volume of its own, which EKS adds.
*/ -}}

{{- define "firn.podMetadata" -}}
{{- $v := .root.Values -}}
labels:
  {{- include "firn.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
  {{- with .labels }}{{ toYaml . | nindent 2 }}{{ end }}
  {{- with $v.podLabels }}{{ toYaml . | nindent 2 }}{{ end }}
annotations:
  checksum/config: {{ include "firn.config" .root | sha256sum }}
  {{- with $v.secrets.create }}
  checksum/secret: {{ toYaml . | sha256sum }}
  {{- end }}
  {{- with $v.podAnnotations }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end -}}

{{- define "firn.podSpec" -}}
{{- $root := .root -}}
{{- $v := $root.Values -}}
{{- $files := concat $v.secrets.files ((.login).files | default list) | uniq -}}
serviceAccountName: {{ include "firn.serviceAccount" $root }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $v.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .restartPolicy }}
restartPolicy: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ include "firn.graceSeconds" $root }}
securityContext:
  runAsNonRoot: true
  {{- with $v.userId }}
  runAsUser: {{ int64 . }}
  runAsGroup: {{ int64 . }}
  fsGroup: {{ int64 . }}
  {{- end }}
  seccompProfile: { type: RuntimeDefault }
containers:
  - name: firn
    image: {{ include "firn.image" $root | quote }}
    imagePullPolicy: {{ $v.image.pullPolicy }}
    args: {{- toYaml .args | nindent 6 }}
    env:
      - { name: FIRN_CONFIG, value: /etc/firn/firn.yaml }
      {{- with include "firn.loginEnv" . | trim }}{{ . | nindent 6 }}{{ end }}
      {{- range $name, $from := merge (dict) ((.login).env | default dict) $v.secrets.env }}
      - name: {{ $name }}
        valueFrom:
          secretKeyRef: { name: {{ $from.name | default (include "firn.fullname" $root) }}, key: {{ $from.key }} }
      {{- end }}
      {{- with $v.extraEnv }}{{ toYaml . | nindent 6 }}{{ end }}
    {{- with $v.extraEnvFrom }}
    envFrom: {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- if .serving }}
    ports:
      - { name: http, containerPort: {{ include "firn.port" $root }} }
    # A process that is up answers at once; until then nothing else is asked.
    startupProbe:
      httpGet: { path: /healthz, port: http }
      periodSeconds: 2
      failureThreshold: 60
    # The process ends itself where it is stuck; this is for one that does not even answer.
    livenessProbe:
      httpGet: { path: /healthz, port: http }
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 6
    # By progress: the next pod is replaced when this one has its place in the group and gets on.
    readinessProbe:
      httpGet: { path: /readyz, port: http }
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 3
    {{- end }}
    resources: {{- toYaml .resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      runAsNonRoot: true
      capabilities: { drop: [ALL] }
    volumeMounts:
      - { name: config, mountPath: /etc/firn, readOnly: true }
      - { name: tmp, mountPath: /tmp }
      {{- range $files }}
      - { name: secret-{{ . }}, mountPath: /secrets/{{ . }}, readOnly: true }
      {{- end }}
      {{- if $v.secrets.create }}
      - { name: created, mountPath: /secrets/created, readOnly: true }
      {{- end }}
      {{- with $v.extraVolumeMounts }}{{ toYaml . | nindent 6 }}{{ end }}
volumes:
  - name: config
    configMap: { name: {{ include "firn.fullname" $root }} }
  - name: tmp
    emptyDir: {}
  {{- range $files }}
  - name: secret-{{ . }}
    secret: { secretName: {{ . }}, defaultMode: 0440 }
  {{- end }}
  {{- if $v.secrets.create }}
  - name: created
    secret: { secretName: {{ include "firn.fullname" $root }}, defaultMode: 0440 }
  {{- end }}
  {{- with $v.extraVolumes }}{{ toYaml . | nindent 2 }}{{ end }}
{{- with $v.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .serving }}
topologySpreadConstraints:
  {{- if $v.topologySpreadConstraints }}
  {{- toYaml $v.topologySpreadConstraints | nindent 2 }}
  {{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "firn.ingesters" $root | nindent 8 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /* Who a Job is in Snowflake, and the memory budget that its own limit leaves a backfill. */ -}}
{{- define "firn.loginEnv" -}}
{{- $warehouse := .root.Values.config.warehouse -}}
{{- if .login }}
{{- $role := printf "%s_%s" (($warehouse).rolePrefix | default "FIRN") (.role | upper) }}
- { name: FIRN_WAREHOUSE_ROLE, value: {{ .login.role | default $role | quote }} }
{{- with .login.user }}
- { name: FIRN_WAREHOUSE_USER, value: {{ . | quote }} }
{{- end }}
{{- with .login.privateKeyFile }}
- { name: FIRN_WAREHOUSE_PRIVATE_KEY_FILE, value: {{ . | quote }} }
{{- end }}
{{- end }}
{{- if eq .component "backfill" }}
{{- with include "firn.memory" . }}
- { name: FIRN_INGEST_MEMORY, value: {{ . }} }
{{- end }}
{{- end }}
{{- end -}}
