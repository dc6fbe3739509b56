"""A good request for every operation of the dedicated services, and what makes its parent.

In a body "TASK" and "TRACK" stand for the id of a finished parent and of its first part.
"""

CALLBACK = "http://127.0.0.1:9/none"
URL = "https://example.com/a.mp3"
SONG = {"prompt": "a kite", "customMode": False, "instrumental": False, "model": "V5",
        "callBackUrl": CALLBACK}
EXTENSION = {"defaultParamFlag": False, "model": "V5", "callBackUrl": CALLBACK}
SECTION = {"prompt": "up", "tags": "folk", "title": "Kite", "infillStartS": 10, "infillEndS": 25,
           "fullLyrics": "up and up", "callBackUrl": CALLBACK}
BOTH = {"taskId": "TASK", "audioId": "TRACK"}
CALLED = BOTH | {"callBackUrl": CALLBACK}

# operation: (what its parent is made by, body)
DEDICATED = {
    "suno/generate": (None, SONG),
    "suno/extend": ("suno/generate", EXTENSION | {"audioId": "TRACK"}),
    "suno/upload-cover": (None, SONG | {"uploadUrl": URL}),
    "suno/upload-extend": (None, EXTENSION | {"uploadUrl": URL, "continueAt": 10}),
    "suno/add-instrumental": (None, {"uploadUrl": URL, "title": "Kite", "negativeTags": "drums",
                                     "tags": "folk", "callBackUrl": CALLBACK}),
    "suno/add-vocals": (None, {"uploadUrl": URL, "title": "Kite", "negativeTags": "drums",
                               "style": "folk", "prompt": "up", "callBackUrl": CALLBACK}),
    "suno/replace-section": ("suno/generate", SECTION | BOTH),
    "suno/mashup": (None, SONG | {"uploadUrlList": [URL, URL]}),
    "suno/sounds": (None, {"prompt": "wind", "model": "V5"}),
    "suno/generate-persona": ("suno/generate", BOTH | {"name": "Kite", "description": "high"}),
    "suno/get-timestamped-lyrics": ("suno/generate", BOTH),
    "suno/lyrics": (None, {"prompt": "a kite", "callBackUrl": CALLBACK}),
    "suno/wav": ("suno/generate", CALLED),
    "suno/vocal-removal": ("suno/generate", CALLED),
    "suno/midi": ("suno/vocal-removal", {"taskId": "TASK", "callBackUrl": CALLBACK}),
    "suno/mp4": ("suno/generate", CALLED),
    "suno/style": (None, {"content": "folk"}),
    "suno/cover-image": ("suno/generate", {"taskId": "TASK", "callBackUrl": CALLBACK}),
    "suno/voice-validate": (None, {"voiceUrl": URL, "vocalStartS": 0, "vocalEndS": 10}),
    "suno/voice-regenerate": ("suno/voice-validate", {"taskId": "TASK", "calBackUrl": CALLBACK}),
    "suno/voice-generate": ("suno/voice-validate", {"taskId": "TASK", "verifyUrl": URL}),
    "suno/voice-check": ("suno/voice-generate", {"task_id": "TASK"}),
    "suno/recovery": ("suno/generate", {"task_id": "TASK"}),
    "veo/generate": (None, {"prompt": "a kite", "model": "veo3_fast", "aspect_ratio": "9:16",
                            "callBackUrl": CALLBACK}),
    "veo/extend": ("veo/generate", {"taskId": "TASK", "prompt": "higher"}),
    "veo/get-1080p-video": ("veo/generate", {"taskId": "TASK"}),
    "veo/get-4k-video": ("veo/generate", {"taskId": "TASK"}),
    "4o-image/generate": (None, {"prompt": "a kite", "size": "1:1"}),
    "flux-kontext/generate": (None, {"prompt": "a kite"}),
    "runway/generate": (None, {"prompt": "a kite", "duration": 5, "quality": "720p",
                               "aspectRatio": "16:9"}),
    "runway/extend": ("runway/generate", {"taskId": "TASK", "prompt": "on", "quality": "720p"}),
    "aleph/generate": (None, {"prompt": "a kite", "videoUrl": URL}),
    "luma/modify": (None, {"prompt": "a kite", "videoUrl": URL}),
    "midjourney/generate": (None, {"taskType": "mj_txt2img", "prompt": "a kite"}),
    "omni/audio-create": (None, {"audio_id": "achird", "name": "Kite"}),
    "omni/character-create": (None, {"descriptions": "a girl", "image_urls": [URL]}),
}

SONG = {"prompt": "a kite", "custom_mode": False, "instrumental": False, "model": "V6"}
EXTENSION = {"default_param_flag": False, "model": "V6"}
BOTH = {"task_id": "TASK", "audio_id": "TRACK"}
MUSIC = "ai-music-api/"
MADE = MUSIC + "generate"
VOICE = MUSIC + "validation-phrase"

# model: (what its parent is made by, input)
UNIFIED = {
    MADE: (None, SONG),
    MUSIC + "extend": (MADE, EXTENSION | {"audio_id": "TRACK"}),
    MUSIC + "upload-and-cover-audio": (None, SONG | {"upload_url": URL}),
    MUSIC + "upload-and-extend-audio": (None, EXTENSION | {"upload_url": URL, "continue_at": 10}),
    MUSIC + "add-instrumental": (None, {"upload_url": URL, "title": "Kite",
                                        "negative_tags": "drums", "tags": "folk"}),
    MUSIC + "add-vocals": (None, {"upload_url": URL, "title": "Kite", "negative_tags": "drums",
                                  "style": "folk"}),
    MUSIC + "replace-section": (MADE, BOTH | {"prompt": "up", "tags": "folk", "title": "Kite",
                                              "full_lyrics": "up", "infill_start_s": 10,
                                              "infill_end_s": 25}),
    MUSIC + "mashup": (None, SONG | {"upload_url_list": [URL, URL]}),
    MUSIC + "sounds": (None, {"prompt": "wind", "model": "V6"}),
    MUSIC + "timeStamped-lyrics": (MADE, BOTH),
    MUSIC + "boost-music-style": (None, {"content": "folk"}),
    MUSIC + "cover-generate": (MADE, {"task_id": "TASK"}),
    MUSIC + "generate-persona": (MADE, BOTH | {"name": "Kite", "description": "high"}),
    MUSIC + "suno-recovery-audio": (MADE, {"task_id": "TASK"}),
    MUSIC + "convert-to-wav-format": (MADE, BOTH),
    MUSIC + "create-music-video": (MADE, BOTH),
    MUSIC + "generate-lyrics": (None, {"prompt": "a kite"}),
    VOICE: (None, {"voice_url": URL, "vocal_start_s": 0, "vocal_end_s": 10}),
    MUSIC + "regenerate-phrase": (VOICE, {"task_id": "TASK"}),
    MUSIC + "create-voice": (VOICE, {"task_id": "TASK", "verify_url": URL}),
    MUSIC + "check-voice": (MUSIC + "create-voice", {"task_id": "TASK"}),
    MUSIC + "separate-vocals": (MADE, BOTH),
    MUSIC + "generate-midi-from-audio": (MUSIC + "separate-vocals", {"task_id": "TASK"}),
    "4o-image-api": (None, {"prompt": "a kite", "size": "1:1"}),
    "flux1-kontext": (None, {"prompt": "a kite"}),
    "runway": (None, {"prompt": "a kite", "duration": 5, "quality": "720p",
                      "aspect_ratio": "16:9"}),
    "runway/extend-ai-video": ("runway", {"task_id": "TASK", "prompt": "on", "quality": "720p"}),
    "runway/gen4-aleph": (None, {"prompt": "a kite", "video_url": URL}),
    "veo-3-1": (None, {"prompt": "a kite"}),
    "veo/extend": ("veo-3-1", {"task_id": "TASK", "prompt": "higher"}),
    "veo/get-1080p-video": ("veo-3-1", {"taskId": "TASK"}),
    "veo/get-4k-video": ("veo-3-1", {"task_id": "TASK"}),
}
