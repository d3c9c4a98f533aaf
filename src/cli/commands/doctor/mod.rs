//! `rucio doctor`: runs the checks in order and skips those that cannot succeed after an earlier failure. The checks
//! themselves belong in `crate::diagnosis`; `report` prints their findings.

pub(in crate::cli::commands) mod report;
mod screen;

use futures_util::future::join_all;

use crate::auth::Login;
use crate::cli::commands::download::access::xrootd_storage;
use crate::cli::context::Context;
use crate::cli::leaf::{Extension, NoServer};
use crate::cli::value_kind::ValueKind;
use crate::config::{CaSource, Config, Overrides, explain};
use crate::diagnosis::hosts::Host;
use crate::diagnosis::token::LoginRequirement;
use crate::diagnosis::{
    authorities, configuration, credentials, hosts, login, server, settings, storages, token, transfers, variables,
};
use crate::env_vars::Env;
use crate::error::Result;
use crate::http::Client;
use report::Report;

/// Diagnose problems with the login and the connection to the server
///
/// Checks the configuration, all available credentials, the connection to the servers, and their responses. Prints one
/// line per check (at a terminal one per group, unless -v is given) and, if something is wrong, the command that fixes
/// it; with -q only problems. Never prompts, and shows no password, token or key. Logs in only if that needs no
/// interaction. Exits with 1 if a check failed, with 4 if only a login is missing.
///
/// Example: rucio doctor
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::Always)]
pub(crate) struct Args {
    /// Do not contact any server, and write nothing
    #[arg(long)]
    pub offline: bool,
    /// Log in at the root:// storages of this RSE, too; repeatable
    #[arg(long = "rse", value_name = "RSE", conflicts_with = "offline", add = ValueKind::Rse)]
    pub rses: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let overrides = context.overrides();
    let env = &context.env;
    let mut report = Report::new(context);
    let (config, findings) = configuration::examine(&overrides, env);
    report.add(findings)?;
    report.add(variables::examine(env))?;
    match &config {
        Some(config) => Case { context, overrides: &overrides, env, config }.examine(&mut report, &args).await?,
        // The other checks need a configuration.
        None => {
            let empty = Config::parse("", "rucio.cfg")?;
            report.add(credentials::others(None, &overrides, env, &empty))?;
            report.add(transfers::examine(None, env))?;
        }
    }
    report.end()
}

/// The checks that need a configuration.
struct Case<'a> {
    context: &'a Context,
    overrides: &'a Overrides,
    env: &'a Env,
    config: &'a Config,
}

impl Case<'_> {
    async fn examine(&self, report: &mut Report<'_>, args: &Args) -> Result<()> {
        let overrides = self.overrides;
        let env = self.env;
        let config = self.config;
        report.add(settings::examine(overrides, env, config))?;
        let broken = report.add_any_failed(credentials::examine(overrides, env, config))?;
        let ca = self.authorities(report)?;
        let resolved = settings::resolve(overrides, env, config);
        let asks = resolved.as_ref().is_some_and(|(settings, whole)| *whole && credentials::asks(settings));
        let login = match (broken, asks) {
            (true, _) => LoginRequirement::Broken,
            (false, true) => LoginRequirement::Interactive,
            (false, false) => LoginRequirement::Unattended,
        };
        let session = resolved
            .as_ref()
            .map(|(settings, _)| login::non_interactive(settings.clone(), login != LoginRequirement::Unattended));
        let client = session.as_ref().map(Login::client);
        let is_reachable =
            if args.offline { false } else { self.servers(report, ca.as_ref(), client.as_ref()).await? };
        if let (Some((settings, true)), Some(session)) = (&resolved, &session) {
            let (findings, has_token) = token::examine(settings, login);
            report.add(findings)?;
            if is_reachable && (has_token || login == LoginRequirement::Unattended) {
                report.add(vec![login::examine(session).await])?;
                self.storages(report, &args.rses, &session.client()).await?;
            }
        }
        report.add(transfers::examine(resolved.as_ref().map(|(settings, _)| settings), env))
    }

    /// Logs in at the storages of these RSEs.
    async fn storages(&self, report: &mut Report<'_>, rses: &[String], client: &Client) -> Result<()> {
        if rses.is_empty() {
            return Ok(());
        }
        match xrootd_storage(self.context, client).await {
            Ok((files, problem)) => {
                report.add(storages::unusable_certificate(problem.as_ref()))?;
                for rse in rses {
                    report.add(storages::examine(client, &files, rse).await)?;
                }
                Ok(())
            }
            Err(error) => report.add(storages::unusable(&error)),
        }
    }

    /// Checks the CA certificates. Skipped if all servers are plain HTTP.
    fn authorities(&self, report: &mut Report<'_>) -> Result<Option<CaSource>> {
        let hosts = self.hosts();
        if !hosts.is_empty() && hosts.iter().all(|host| host.url.to_ascii_lowercase().starts_with("http://")) {
            return Ok(None);
        }
        let (source, findings) = authorities::examine(self.overrides, self.env, self.config);
        report.add(findings)?;
        Ok(source)
    }

    fn hosts(&self) -> Vec<Host> {
        let [rucio_host, auth_host, ..] = explain(self.overrides, self.env, self.config);
        hosts::distinct_hosts(rucio_host.value.ok().flatten(), auth_host.value.ok().flatten())
    }

    /// Checks all servers concurrently. Returns whether both Rucio and authentication server respond as they should.
    async fn servers(&self, report: &mut Report<'_>, ca: Option<&CaSource>, client: Option<&Client>) -> Result<bool> {
        let way = |host| hosts::examine(host, self.env, ca, self.overrides.insecure);
        let ways = join_all(self.hosts().into_iter().map(way)).await;
        let reached = |option: &str| ways.iter().any(|way| way.is_reachable && way.host.options.contains(option));
        let ping = if reached("rucio_host") { client } else { None };
        let auth = if reached("auth_host") { client } else { None };
        let (ping, auth) = tokio::join!(async { Some(server::ping(ping?).await) }, async {
            Some(server::authentication(auth?).await)
        });
        let is_reachable = ping.as_ref().is_some_and(|(.., is_reachable)| *is_reachable)
            && auth.as_ref().is_some_and(|(_, is_reachable)| *is_reachable);
        let (clock, release) = ping.map(|(clock, release, _)| (clock, release)).unzip();
        report.add(clock.flatten().into_iter().collect())?;
        report.add(ways.into_iter().flat_map(|way| way.findings).collect())?;
        report.add(release.into_iter().chain(auth.map(|(finding, _)| finding)).collect())?;
        Ok(is_reachable)
    }
}
