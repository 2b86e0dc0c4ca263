/// The page at `/`: one document without anything from elsewhere.
enum StatusPage {
    /// Scripts and styles of the page itself only; it asks nobody but this tracker.
    static let securityPolicy =
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"

    static let html = [UInt8](text.utf8)

    private static let text = """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>mTorrent tracker</title>
        <link rel="icon" href="data:,">
        <style>
        :root { color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif; }
        body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
        h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
        dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 1rem; }
        dt { opacity: .7; font-size: .85rem; } dd { margin: 0; font-size: 1.5rem; }
        svg { width: 100%; height: 8rem; border: 1px solid #8886; }
        polyline { fill: none; stroke: #2a7ae2; stroke-width: 2; vector-effect: non-scaling-stroke; }
        #problem { color: #c22; }
        </style>
        </head>
        <body>
        <h1>mTorrent tracker <small id="version"></small></h1>
        <p id="problem" role="status"></p>
        <dl id="numbers"></dl>
        <h2>Announces a second, last hour <span id="most-announces"></span></h2>
        <svg id="announces" viewBox="0 0 360 100" preserveAspectRatio="none"></svg>
        <h2>Connections, last hour <span id="most-connections"></span></h2>
        <svg id="connections" viewBox="0 0 360 100" preserveAspectRatio="none"></svg>
        <script>
        "use strict";
        const byId = id => document.getElementById(id);
        const labels = {connections: "connections", announces_per_second: "announces/s",
            swarms: "swarms", peers: "peers", groups: "groups", users: "users", online: "online",
            uptime: "up for"};

        function duration(seconds) {
            const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24;
            const minutes = Math.floor(seconds / 60) % 60;
            return days ? `${days} d ${hours} h` : hours ? `${hours} h ${minutes} min`
                : minutes ? `${minutes} min` : `${seconds} s`;
        }

        function plot(id, values) {
            const most = Math.max(0, ...values);
            const start = 360 - values.length;
            const points = values.map((value, index) =>
                `${start + index},${98 - 96 * value / Math.max(1, most)}`).join(" ");
            const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
            line.setAttribute("points", points);
            byId(id).replaceChildren(line);
            byId("most-" + id).textContent = `(most: ${Math.round(most * 10) / 10})`;
        }

        function show(status) {
            byId("version").textContent = status.version;
            const last = status.samples[status.samples.length - 1];
            const values = {...status, uptime: duration(status.uptime),
                announces_per_second: last ? last.announces_per_second : 0};
            byId("numbers").replaceChildren(...Object.keys(labels).map(key => {
                const group = document.createElement("div");
                const name = document.createElement("dt"), value = document.createElement("dd");
                name.textContent = labels[key];
                value.id = "value-" + key;
                value.textContent = typeof values[key] === "number"
                    ? values[key].toLocaleString() : values[key];
                group.append(name, value);
                return group;
            }));
            plot("announces", status.samples.map(sample => sample.announces_per_second));
            plot("connections", status.samples.map(sample => sample.connections));
        }

        async function refresh() {
            try {
                const answer = await fetch("/status.json");
                if (!answer.ok) throw new Error(`the tracker answered ${answer.status}`);
                show(await answer.json());
                byId("problem").textContent = "";
            } catch (error) {
                byId("problem").textContent = `no numbers: ${error.message}`;
            }
        }
        refresh();
        setInterval(refresh, 10000);
        </script>
        </body>
        </html>

        """
}
