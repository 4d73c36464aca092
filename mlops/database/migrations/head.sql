CREATE TABLE ab_aggregates (
	test_id TEXT NOT NULL, 
	day TEXT NOT NULL, 
	variant TEXT NOT NULL, 
	metric TEXT NOT NULL, 
	phase BIGINT NOT NULL, 
	stratum TEXT NOT NULL, 
	n BIGINT NOT NULL, 
	total TEXT NOT NULL, 
	squares TEXT NOT NULL, 
	sketch TEXT, 
	CONSTRAINT pk_ab_aggregates PRIMARY KEY (test_id, day, variant, metric, phase, stratum)
)
 WITHOUT ROWID;
CREATE TABLE ab_blocks (
	test_id TEXT NOT NULL, 
	metric TEXT NOT NULL, 
	block BIGINT NOT NULL, 
	variant TEXT NOT NULL, 
	n BIGINT NOT NULL, 
	total TEXT NOT NULL, 
	squares TEXT NOT NULL, 
	CONSTRAINT pk_ab_blocks PRIMARY KEY (test_id, metric, block, variant)
)
 WITHOUT ROWID;
CREATE TABLE ab_counts (
	test_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	variant TEXT NOT NULL, 
	count BIGINT NOT NULL, 
	CONSTRAINT pk_ab_counts PRIMARY KEY (test_id, kind, name, variant)
)
 WITHOUT ROWID;
CREATE TABLE ab_exposures (
	test_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	variant TEXT NOT NULL, 
	phase BIGINT NOT NULL, 
	is_active BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_ab_exposures PRIMARY KEY (test_id, user_id)
)
 WITHOUT ROWID;
CREATE TABLE ab_interactions (
	seq INTEGER NOT NULL, 
	test_id TEXT NOT NULL, 
	interaction_id TEXT NOT NULL, 
	variant TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	phase BIGINT NOT NULL, 
	logged_phase BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	is_forced BIGINT NOT NULL, 
	request_id TEXT, 
	document TEXT NOT NULL, 
	CONSTRAINT pk_ab_interactions PRIMARY KEY (seq)
);
CREATE TABLE ab_moments (
	test_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	variant TEXT NOT NULL, 
	metric TEXT NOT NULL, 
	phase BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	CONSTRAINT pk_ab_moments PRIMARY KEY (test_id, kind, variant, metric, phase)
)
 WITHOUT ROWID;
CREATE TABLE ab_moves (
	test_id TEXT NOT NULL, 
	sequence BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	CONSTRAINT pk_ab_moves PRIMARY KEY (test_id, sequence)
)
 WITHOUT ROWID;
CREATE TABLE ab_outcomes (
	interaction_id TEXT NOT NULL, 
	test_id TEXT NOT NULL, 
	label TEXT NOT NULL, 
	first_label TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	arrival BIGINT, 
	told_at BIGINT NOT NULL, 
	CONSTRAINT pk_ab_outcomes PRIMARY KEY (interaction_id, test_id)
)
 WITHOUT ROWID;
CREATE TABLE ab_tests (
	test_id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	name TEXT NOT NULL, 
	status TEXT NOT NULL, 
	test_type TEXT NOT NULL, 
	control_model_id TEXT NOT NULL, 
	primary_metric TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	created_by TEXT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	started_at VARCHAR(27), 
	ended_at VARCHAR(27), 
	revision BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	forced TEXT NOT NULL, 
	report TEXT, 
	CONSTRAINT pk_ab_tests PRIMARY KEY (test_id)
);
CREATE TABLE ab_units (
	test_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	variant TEXT NOT NULL, 
	document TEXT NOT NULL, 
	CONSTRAINT pk_ab_units PRIMARY KEY (test_id, user_id, variant)
)
 WITHOUT ROWID;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE artifact_blobs (
	store TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	put_at BIGINT NOT NULL, 
	CONSTRAINT pk_artifact_blobs PRIMARY KEY (store, digest)
)
 WITHOUT ROWID;
CREATE TABLE artifact_references (
	store TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	owner_kind TEXT NOT NULL, 
	owner_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	CONSTRAINT pk_artifact_references PRIMARY KEY (store, digest, owner_kind, owner_id, name)
)
 WITHOUT ROWID;
CREATE TABLE artifact_stores (
	store TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	root TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_artifact_stores PRIMARY KEY (store)
);
CREATE TABLE audit_entries (
	sequence INTEGER NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	actor TEXT NOT NULL, 
	action TEXT NOT NULL, 
	subject_kind TEXT NOT NULL, 
	subject_id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	details TEXT NOT NULL, 
	previous_hash TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT pk_audit_entries PRIMARY KEY (sequence)
);
CREATE TABLE audit_head (
	id INTEGER NOT NULL, 
	sequence BIGINT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT pk_audit_head PRIMARY KEY (id)
);
CREATE TABLE data_schemas (
	schema_id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	document TEXT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	schema_version INTEGER NOT NULL, 
	CONSTRAINT pk_data_schemas PRIMARY KEY (schema_id)
);
CREATE TABLE event_consumers (
	consumer TEXT NOT NULL, 
	era BIGINT NOT NULL, 
	transaction_id BIGINT NOT NULL, 
	position BIGINT NOT NULL, 
	moved_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_event_consumers PRIMARY KEY (consumer)
);
CREATE TABLE events (
	position INTEGER NOT NULL, 
	era BIGINT NOT NULL, 
	transaction_id BIGINT NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	topic TEXT NOT NULL, 
	subject_kind TEXT NOT NULL, 
	subject_id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	CONSTRAINT pk_events PRIMARY KEY (position)
);
CREATE TABLE experiment_artifacts (
	artifact_id TEXT NOT NULL, 
	experiment_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	artifact_type TEXT NOT NULL, 
	description TEXT NOT NULL, 
	codec TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	details TEXT NOT NULL, 
	CONSTRAINT pk_experiment_artifacts PRIMARY KEY (artifact_id)
);
CREATE TABLE experiment_environments (
	digest TEXT NOT NULL, 
	document TEXT NOT NULL, 
	CONSTRAINT pk_experiment_environments PRIMARY KEY (digest)
);
CREATE TABLE experiment_metric_summaries (
	experiment_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	last_value DOUBLE, 
	last_step BIGINT NOT NULL, 
	last_at BIGINT NOT NULL, 
	min_value DOUBLE, 
	max_value DOUBLE, 
	count BIGINT NOT NULL, 
	CONSTRAINT pk_experiment_metric_summaries PRIMARY KEY (experiment_id, name)
)
 WITHOUT ROWID;
CREATE TABLE experiment_metrics (
	id INTEGER NOT NULL, 
	experiment_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	step BIGINT NOT NULL, 
	epoch BIGINT, 
	value DOUBLE, 
	logged_at BIGINT NOT NULL, 
	CONSTRAINT pk_experiment_metrics PRIMARY KEY (id)
);
CREATE TABLE experiment_params (
	experiment_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	text TEXT NOT NULL, 
	number DOUBLE, 
	CONSTRAINT pk_experiment_params PRIMARY KEY (experiment_id, name)
)
 WITHOUT ROWID;
CREATE TABLE experiment_tags (
	experiment_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_experiment_tags PRIMARY KEY (experiment_id, name)
)
 WITHOUT ROWID;
CREATE TABLE experiments (
	experiment_id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	name TEXT NOT NULL, 
	description TEXT NOT NULL, 
	status TEXT NOT NULL, 
	model_type TEXT NOT NULL, 
	framework TEXT NOT NULL, 
	algorithm TEXT NOT NULL, 
	dataset_name TEXT NOT NULL, 
	dataset_version TEXT NOT NULL, 
	parent_experiment_id TEXT, 
	created_by TEXT NOT NULL, 
	notes TEXT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	ended_at VARCHAR(27), 
	deleted_at VARCHAR(27), 
	error TEXT, 
	hyperparameters TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	datasets TEXT NOT NULL, 
	environment_digest TEXT, 
	schema_version INTEGER NOT NULL, 
	CONSTRAINT pk_experiments PRIMARY KEY (experiment_id)
);
CREATE TABLE feature_configs (
	config_id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	document TEXT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	schema_version INTEGER NOT NULL, 
	CONSTRAINT pk_feature_configs PRIMARY KEY (config_id)
);
CREATE TABLE feature_entities (
	project TEXT NOT NULL, 
	name TEXT NOT NULL, 
	document TEXT NOT NULL, 
	updated_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_feature_entities PRIMARY KEY (project, name)
);
CREATE TABLE feature_materializations (
	run_id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	"view" TEXT NOT NULL, 
	view_id TEXT NOT NULL, 
	status TEXT NOT NULL, 
	document TEXT NOT NULL, 
	started_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_feature_materializations PRIMARY KEY (run_id)
);
CREATE TABLE feature_online (
	view_id TEXT NOT NULL, 
	entity_key TEXT NOT NULL, 
	event_at BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	payload BLOB NOT NULL, 
	CONSTRAINT pk_feature_online PRIMARY KEY (view_id, entity_key)
)
 WITHOUT ROWID;
CREATE TABLE feature_statistics (
	view_id TEXT NOT NULL, 
	feature TEXT NOT NULL, 
	day TEXT NOT NULL, 
	document TEXT NOT NULL, 
	CONSTRAINT pk_feature_statistics PRIMARY KEY (view_id, feature, day)
)
 WITHOUT ROWID;
CREATE TABLE feature_training_set_views (
	training_set_id TEXT NOT NULL, 
	view_id TEXT NOT NULL, 
	CONSTRAINT pk_feature_training_set_views PRIMARY KEY (training_set_id, view_id)
)
 WITHOUT ROWID;
CREATE TABLE feature_training_sets (
	training_set_id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	name TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	document TEXT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_feature_training_sets PRIMARY KEY (training_set_id)
);
CREATE TABLE feature_views (
	view_id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	name TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	document TEXT NOT NULL, 
	is_serving INTEGER NOT NULL, 
	watermark TEXT, 
	created_at VARCHAR(27) NOT NULL, 
	deleted_at VARCHAR(27), 
	CONSTRAINT pk_feature_views PRIMARY KEY (view_id)
);
CREATE TABLE job_dependencies (
	job_id TEXT NOT NULL, 
	needs_job_id TEXT NOT NULL, 
	CONSTRAINT pk_job_dependencies PRIMARY KEY (job_id, needs_job_id)
);
CREATE TABLE job_logs (
	job_id TEXT NOT NULL, 
	sequence INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	level TEXT NOT NULL, 
	message TEXT NOT NULL, 
	CONSTRAINT pk_job_logs PRIMARY KEY (job_id, sequence)
);
CREATE TABLE job_schedules (
	schedule_id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	name TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	priority INTEGER NOT NULL, 
	requires TEXT NOT NULL, 
	max_attempts INTEGER NOT NULL, 
	timeout_s DOUBLE, 
	cron TEXT NOT NULL, 
	time_zone TEXT NOT NULL, 
	jitter_s DOUBLE NOT NULL, 
	misfire TEXT NOT NULL, 
	overlap INTEGER NOT NULL, 
	enabled INTEGER NOT NULL, 
	next_at VARCHAR(27), 
	last_at VARCHAR(27), 
	last_job_id TEXT, 
	created_by TEXT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	updated_at VARCHAR(27) NOT NULL, 
	schema_version INTEGER NOT NULL, 
	CONSTRAINT pk_job_schedules PRIMARY KEY (schedule_id)
);
CREATE TABLE job_workers (
	worker_id TEXT NOT NULL, 
	host TEXT NOT NULL, 
	pid BIGINT NOT NULL, 
	kinds TEXT NOT NULL, 
	capabilities TEXT NOT NULL, 
	slots INTEGER NOT NULL, 
	started_at VARCHAR(27) NOT NULL, 
	seen_at VARCHAR(27) NOT NULL, 
	held_until BIGINT NOT NULL, 
	held_boot TEXT NOT NULL, 
	CONSTRAINT pk_job_workers PRIMARY KEY (worker_id)
);
CREATE TABLE jobs (
	job_id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	priority INTEGER NOT NULL, 
	requires TEXT NOT NULL, 
	status TEXT NOT NULL, 
	run_at VARCHAR(27), 
	attempts INTEGER NOT NULL, 
	max_attempts INTEGER NOT NULL, 
	timeout_s DOUBLE, 
	held_until BIGINT, 
	held_boot TEXT, 
	worker TEXT, 
	token BIGINT NOT NULL, 
	heartbeat_at VARCHAR(27), 
	cancel_requested INTEGER NOT NULL, 
	progress_done DOUBLE NOT NULL, 
	progress_total DOUBLE, 
	progress_message TEXT NOT NULL, 
	result TEXT, 
	error TEXT, 
	"key" TEXT, 
	created_by TEXT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	started_at VARCHAR(27), 
	ended_at VARCHAR(27), 
	schema_version INTEGER NOT NULL, 
	CONSTRAINT pk_jobs PRIMARY KEY (job_id)
);
CREATE TABLE model_aliases (
	project TEXT NOT NULL, 
	model_id TEXT NOT NULL, 
	alias TEXT NOT NULL, 
	version TEXT NOT NULL, 
	CONSTRAINT pk_model_aliases PRIMARY KEY (project, model_id, alias)
)
 WITHOUT ROWID;
CREATE TABLE model_environments (
	digest TEXT NOT NULL, 
	document TEXT NOT NULL, 
	CONSTRAINT pk_model_environments PRIMARY KEY (digest)
);
CREATE TABLE model_moves (
	move_id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	model_id TEXT NOT NULL, 
	sequence BIGINT NOT NULL, 
	version TEXT NOT NULL, 
	from_status TEXT, 
	to_status TEXT, 
	kind TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	replaced_version TEXT, 
	CONSTRAINT pk_model_moves PRIMARY KEY (move_id)
);
CREATE TABLE model_registry (
	project TEXT NOT NULL, 
	model_id TEXT NOT NULL, 
	version TEXT NOT NULL, 
	version_id TEXT NOT NULL, 
	major INTEGER NOT NULL, 
	minor INTEGER NOT NULL, 
	patch INTEGER NOT NULL, 
	prerelease TEXT NOT NULL, 
	name TEXT NOT NULL, 
	description TEXT NOT NULL, 
	model_type TEXT NOT NULL, 
	framework TEXT NOT NULL, 
	algorithm TEXT NOT NULL, 
	status TEXT NOT NULL, 
	canonical_digest TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	codec TEXT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	updated_at VARCHAR(27) NOT NULL, 
	promoted_at VARCHAR(27), 
	created_by TEXT NOT NULL, 
	is_protected INTEGER NOT NULL, 
	accuracy DOUBLE, 
	precision DOUBLE, 
	recall DOUBLE, 
	f1_score DOUBLE, 
	confidence_score DOUBLE, 
	notes TEXT NOT NULL, 
	dataset_name TEXT NOT NULL, 
	dataset_version TEXT NOT NULL, 
	training_data_hash TEXT NOT NULL, 
	experiment_id TEXT, 
	pipeline_run_id TEXT, 
	environment_digest TEXT, 
	signature TEXT NOT NULL, 
	document TEXT NOT NULL, 
	schema_version INTEGER NOT NULL, 
	deleted_at VARCHAR(27), 
	CONSTRAINT pk_model_registry PRIMARY KEY (project, model_id, version)
);
CREATE TABLE model_registry_metrics (
	version_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	value DOUBLE, 
	CONSTRAINT pk_model_registry_metrics PRIMARY KEY (version_id, name)
)
 WITHOUT ROWID;
CREATE TABLE model_registry_params (
	version_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	text TEXT NOT NULL, 
	number DOUBLE, 
	CONSTRAINT pk_model_registry_params PRIMARY KEY (version_id, name)
)
 WITHOUT ROWID;
CREATE TABLE model_registry_tags (
	version_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_model_registry_tags PRIMARY KEY (version_id, name)
)
 WITHOUT ROWID;
CREATE TABLE pipeline_runs (
	run_id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	pipeline_id TEXT NOT NULL, 
	status TEXT NOT NULL, 
	input_digest TEXT NOT NULL, 
	cache_key TEXT NOT NULL, 
	job_id TEXT, 
	created_at VARCHAR(27) NOT NULL, 
	document TEXT NOT NULL, 
	schema_version INTEGER NOT NULL, 
	CONSTRAINT pk_pipeline_runs PRIMARY KEY (run_id)
);
CREATE UNIQUE INDEX idx_ab_interactions_id ON ab_interactions (interaction_id, test_id);
CREATE INDEX idx_ab_interactions_request ON ab_interactions (test_id, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX idx_ab_interactions_test ON ab_interactions (test_id, seq);
CREATE INDEX idx_ab_outcomes_arrival ON ab_outcomes (test_id, arrival);
CREATE INDEX idx_ab_tests_project_created_at ON ab_tests (project, created_at);
CREATE UNIQUE INDEX idx_ab_tests_revision ON ab_tests (revision);
CREATE INDEX idx_artifact_references_owner ON artifact_references (owner_kind, owner_id);
CREATE INDEX idx_audit_entries_actor ON audit_entries (actor, sequence);
CREATE INDEX idx_audit_entries_at ON audit_entries (at);
CREATE INDEX idx_audit_entries_subject ON audit_entries (subject_kind, subject_id, sequence);
CREATE UNIQUE INDEX idx_data_schemas_version ON data_schemas (project, name, version);
CREATE INDEX idx_events_order ON events (era, transaction_id, position);
CREATE INDEX idx_experiment_artifacts_name ON experiment_artifacts (experiment_id, name);
CREATE INDEX idx_experiment_metric_summaries_last ON experiment_metric_summaries (name, last_value, experiment_id);
CREATE INDEX idx_experiment_params_number ON experiment_params (name, number, experiment_id);
CREATE INDEX idx_experiment_params_text ON experiment_params (name, text, experiment_id);
CREATE INDEX idx_experiment_tags_text ON experiment_tags (name, text, experiment_id);
CREATE INDEX idx_experiments_created_at ON experiments (created_at);
CREATE INDEX idx_experiments_parent ON experiments (parent_experiment_id);
CREATE INDEX idx_experiments_project_created_at ON experiments (project, created_at);
CREATE UNIQUE INDEX idx_feature_configs_version ON feature_configs (project, name, version);
CREATE INDEX idx_feature_materializations_view ON feature_materializations (project, "view", started_at);
CREATE INDEX idx_feature_training_set_views_view ON feature_training_set_views (view_id);
CREATE INDEX idx_feature_training_sets_name ON feature_training_sets (project, name, created_at);
CREATE UNIQUE INDEX idx_feature_views_serving ON feature_views (project, name) WHERE is_serving = 1;
CREATE UNIQUE INDEX idx_feature_views_version ON feature_views (project, name, version);
CREATE INDEX idx_job_dependencies_needs ON job_dependencies (needs_job_id, job_id);
CREATE INDEX idx_job_schedules_due ON job_schedules (enabled, next_at);
CREATE UNIQUE INDEX idx_job_schedules_name ON job_schedules (project, name);
CREATE INDEX idx_jobs_claim ON jobs (priority DESC, job_id) WHERE status = 'queued';
CREATE INDEX idx_jobs_ended_at ON jobs (ended_at);
CREATE UNIQUE INDEX idx_jobs_key ON jobs (project, kind, "key") WHERE status IN ('waiting', 'queued', 'running') AND key IS NOT NULL;
CREATE INDEX idx_jobs_kind ON jobs (kind, job_id);
CREATE INDEX idx_jobs_lease ON jobs (held_until) WHERE status = 'running';
CREATE INDEX idx_jobs_project ON jobs (project, job_id);
CREATE INDEX idx_metrics_experiment_id_step ON experiment_metrics (experiment_id, step);
CREATE INDEX idx_model_moves_at ON model_moves (project, model_id, at);
CREATE UNIQUE INDEX idx_model_moves_sequence ON model_moves (project, model_id, sequence);
CREATE UNIQUE INDEX idx_model_registry_content ON model_registry (project, model_id, canonical_digest) WHERE deleted_at IS NULL;
CREATE INDEX idx_model_registry_created_at ON model_registry (created_at);
CREATE INDEX idx_model_registry_environment ON model_registry (environment_digest);
CREATE INDEX idx_model_registry_metrics_value ON model_registry_metrics (name, value, version_id);
CREATE INDEX idx_model_registry_model_id ON model_registry (model_id);
CREATE UNIQUE INDEX idx_model_registry_number ON model_registry (project, model_id, major, minor, patch, prerelease);
CREATE INDEX idx_model_registry_params_number ON model_registry_params (name, number, version_id);
CREATE INDEX idx_model_registry_params_text ON model_registry_params (name, text, version_id);
CREATE UNIQUE INDEX idx_model_registry_production ON model_registry (project, model_id) WHERE status = 'production' AND deleted_at IS NULL;
CREATE INDEX idx_model_registry_project_created_at ON model_registry (project, created_at);
CREATE INDEX idx_model_registry_project_status ON model_registry (project, status);
CREATE INDEX idx_model_registry_tags_text ON model_registry_tags (name, text, version_id);
CREATE UNIQUE INDEX idx_model_registry_version_id ON model_registry (version_id);
CREATE INDEX idx_pipeline_runs_cache_key ON pipeline_runs (cache_key, run_id);
CREATE INDEX idx_pipeline_runs_created_at ON pipeline_runs (created_at);
CREATE INDEX idx_pipeline_runs_pipeline ON pipeline_runs (project, pipeline_id, run_id);
CREATE INDEX idx_pipeline_runs_project ON pipeline_runs (project, run_id);
INSERT INTO alembic_version (version_num) VALUES ('0008');
