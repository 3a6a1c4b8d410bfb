-- What a hook is told in: 'events' (CloudEvents, signed), 'ntfy' (a push to a topic; the secret is its access token, '' is none).
ALTER TABLE health_hook ADD COLUMN kind TEXT NOT NULL DEFAULT 'events';
