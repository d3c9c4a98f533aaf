//! Tracer, and the fields that all traces of a download share.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::options::Args;
use crate::api::accounts;
use crate::cli::context::Context;
use crate::config;
use crate::env_vars;
use crate::error::Result;
use crate::http::{Client, RUCIO_VERSION};
use crate::transfer::trace::{Fields, Tracer};

/// VO of servers that have only one.
const ONLY_VO: &str = "def";

/// Starts the tracer. `None` for pilots, which send their own traces.
pub(in crate::cli::commands) fn tracer(client: &Client) -> Result<Option<Tracer>> {
    if client.settings().user_agent.starts_with("pilot") {
        Ok(None)
    } else {
        Ok(Some(Tracer::start(client.transport().connections()?.clone(), &client.settings().trace_host)))
    }
}

/// Returns the round-trip time to the trace server; known only if it is the Rucio server.
pub(in crate::cli::commands) fn round_trip(client: &Client) -> Option<Duration> {
    let settings = client.settings();
    if settings.trace_host == settings.rucio_host { client.transport().min_response_time() } else { None }
}

/// Returns the fields that are the same for all files, in the official client's order.
pub(super) async fn common(context: &Context, client: &Client, args: &Args) -> Result<Fields> {
    let place = config::location(&context.env);
    let mut fields = Fields::new();
    let mut set = |field: &str, value: String| fields.insert(field.to_owned(), Value::String(value));
    set("hostname", place.fqdn);
    set("localSite", place.site);
    set("account", accounts::own_name(client).await?);
    if client.settings().vo != ONLY_VO {
        set("vo", client.settings().vo.clone());
    }
    set("eventType", "download".to_owned());
    set("eventVersion", format!("api_{RUCIO_VERSION}"));
    for (field, given, variable) in custom(args) {
        if let Some(value) = given.clone().or_else(|| context.env.get(variable)) {
            set(field, value);
        }
    }
    set("uuid", Uuid::new_v4().simple().to_string());
    Ok(fields)
}

fn custom(args: &Args) -> [(&'static str, &Option<String>, &'static str); 7] {
    let trace = &args.trace;
    [
        ("appid", &trace.trace_appid, env_vars::RUCIO_TRACE_APPID),
        ("dataset", &trace.trace_dataset, env_vars::RUCIO_TRACE_DATASET),
        ("datasetScope", &trace.trace_datasetscope, env_vars::RUCIO_TRACE_DATASETSCOPE),
        ("eventType", &trace.trace_eventtype, env_vars::RUCIO_TRACE_EVENTTYPE),
        ("pq", &trace.trace_pq, env_vars::RUCIO_TRACE_PQ),
        ("taskid", &trace.trace_taskid, env_vars::RUCIO_TRACE_TASKID),
        ("usrdn", &trace.trace_usrdn, env_vars::RUCIO_TRACE_USRDN),
    ]
}
